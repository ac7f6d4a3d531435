"""Damages of sentences, tables and recordings, with what must come of them."""

import json
import re

from tests.zoo.datasets.folders import damages
from tests.zoo.datasets.folders.damages import Expected, Lines, pick

_TAG = re.compile(r"[BIES]-(genre|city)")
_TEXTS = (".csv", ".tsv", ".jsonl", ".conll", "seq.in", "seq.out", "label")


def _any_text(damage):
    return lambda rng, folder: damage(
        rng, folder, damages.text_files(folder, *_TEXTS)
    )


def _line_of(rng, folder, test, *suffixes):
    """Picks a line that passes a test, of any of the files."""
    lines = []
    for path in damages.text_files(folder, *suffixes or _TEXTS):
        file = Lines(folder, path)
        lines += [(file, index) for index in file.having(test)]
    return pick(rng, lines)


def _replace(rng, folder, old, new, *suffixes):
    file, index = _line_of(rng, folder, lambda line: old in line, *suffixes)
    file.lines[index] = file.lines[index].replace(old, new, 1)
    file.write()
    return Expected(file.file, (index + 1,))


def _misspelt_class(rng, folder):
    name = pick(rng, ("Play", "Weather"))
    new = damages.swapped_letters(rng, name)
    return _replace(rng, folder, name, new)


def _misspelt_tag(rng, folder):
    return _replace(rng, folder, "-genre", "-gnere")


def _bad_tag(rng, folder):
    file, index = _line_of(rng, folder, _TAG.search)
    file.lines[index] = _TAG.sub("genre?", file.lines[index], 1)
    file.write()
    return Expected(file.file, (index + 1,))


def _word_without_tag(rng, folder):
    return _replace(rng, folder, "in ", "in the ", ".csv", ".tsv", "seq.in")


def _split(rng, folder):
    return _replace(rng, folder, "train", "trian", ".csv", ".tsv")


def _column(rng, folder):
    return _replace(rng, folder, "intent", "intnet", ".csv", ".tsv")


_TEXT = (
    _misspelt_class,
    _misspelt_tag,
    _bad_tag,
    _any_text(damages.crlf),
    _any_text(damages.cr),
    _any_text(damages.bom),
    _any_text(damages.latin1),
    _any_text(damages.empty_file),
)


def _row_cells(rng, folder):
    """One cell too many."""
    file, index = _line_of(
        rng, folder, lambda line: " " in line, ".csv", ".tsv"
    )
    separator = "," if file.file.endswith(".csv") else "\t"
    file.lines[index] += f"{separator}more"
    file.write()
    return Expected(file.file, (index + 1,))


SENTENCE_TABLE = (*_TEXT, _word_without_tag, _split, _column, _row_cells)


def _json_line(rng, folder):
    path = pick(rng, damages.text_files(folder, ".jsonl"))
    file = Lines(folder, path)
    index = pick(rng, file.having(bool))
    return file, index


def _jsonl_syntax(rng, folder):
    file, index = _json_line(rng, folder)
    line = file.lines[index]
    file.lines[index] = pick(
        rng, (line[:-1], "[1]", "7", line + "]", "{'a': 1}")
    )
    file.write()
    return Expected(file.file, (index + 1,))


def _jsonl_value(rng, folder):
    file, index = _json_line(rng, folder)
    row = json.loads(file.lines[index])
    change = pick(
        rng,
        (
            {"tokens": []},
            {"tokens": None},
            {"tokens": ["a b", "c"]},
            {"slot": ["O"]},
            {"slot": {"a": 1}},
            {"intent": ["Play"]},
            {"intnet": row["intent"]},
        ),
    )
    if "intnet" in change:
        del row["intent"]
    row.update(change)
    file.lines[index] = json.dumps(row)
    file.write()
    return Expected(file.file, (index + 1,))


JSONL = (*_TEXT, _jsonl_syntax, _jsonl_value)


def _conll_cells(rng, folder):
    file, index = _line_of(
        rng, folder, lambda line: " O" in line and "DOC" not in line, ".conll"
    )
    line = file.lines[index]
    file.lines[index] = pick(rng, (line.split()[0], f"{line} O"))
    file.write()
    # Of the first sentence, the other words are then the odd ones.
    return Expected(file.file)


CONLL = (*_TEXT, _conll_cells)


def _lost_line(rng, folder):
    path = pick(rng, damages.text_files(folder, "seq.out", "label"))
    lines = path.read_text().split("\n")
    del lines[int(rng.integers(len(lines) - 1))]
    path.write_text("\n".join(lines))
    return Expected(damages.inside(folder, path))


SLOT_FILES = (*_TEXT, _word_without_tag, _lost_line)


# Tables ---------------------------------------------------------------------


def _table_cell(rng, folder, place, value, *, is_error=True):
    file = Lines(folder, folder / "houses.csv")
    index = int(rng.integers(1, len(file.lines) - 1))
    cells = file.lines[index].split(",")
    cells[place] = value(cells[place]) if callable(value) else value
    file.lines[index] = ",".join(cells)
    file.write()
    if is_error:
        return Expected(file.file, (index + 1,))
    return Expected(missing={index: ("price",)})


def _table_number(rng, folder):
    place = pick(rng, (1, 3, 4, 6, 7))
    value = pick(rng, ("12x", "1e999", "--3", "inf", "1_0"))
    return _table_cell(rng, folder, place, value)


def _table_class(rng, folder):
    return _table_cell(
        rng, folder, 5, lambda name: damages.swapped_letters(rng, name)
    )


def _table_time(rng, folder):
    return _table_cell(rng, folder, 6, "-1")


def _table_event(rng, folder):
    return _table_cell(rng, folder, 7, pick(rng, ("2", "maybe")))


def _table_split(rng, folder):
    return _table_cell(rng, folder, 0, pick(rng, ("tarin", "")))


def _table_missing(rng, folder):
    return _table_cell(rng, folder, 3, pick(rng, ("", "?")), is_error=False)


def _table_header(rng, folder):
    old, new = pick(rng, (("price", "pricce"), ("stay_time", "stay_tme")))
    return _replace(rng, folder, old, new, ".csv")


def _table_cells(rng, folder):
    return _table_cell(rng, folder, 2, "gas,oil")


def _table_quote(rng, folder):
    return _table_cell(rng, folder, 2, '"gas')


TABLE = (
    _table_number,
    _table_class,
    _table_time,
    _table_event,
    _table_split,
    _table_missing,
    _table_header,
    _table_cells,
    _table_quote,
    _any_text(damages.crlf),
    _any_text(damages.cr),
    _any_text(damages.bom),
    _any_text(damages.latin1),
    _any_text(damages.empty_file),
)


# Recordings -----------------------------------------------------------------


def _wav(rng, folder):
    path = pick(rng, damages.text_files(folder, ".wav"))
    whole = path.read_bytes()
    cut = int(rng.integers(4, len(whole) - 2))
    path.write_bytes(pick(rng, (b"", b"hello", whole[:cut])))
    return Expected(damages.inside(folder, path))


def _wav_rate(rng, folder):
    path = pick(rng, damages.text_files(folder, ".wav"))
    whole = bytearray(path.read_bytes())
    whole[24:28] = int(pick(rng, (0, 10, 2**30))).to_bytes(4, "little")
    path.write_bytes(whole)
    return Expected(damages.inside(folder, path))


def _wav_mention(folder, path):
    file = Lines(folder, folder / "labels.csv")
    (index,) = file.having(lambda line: line.startswith(f"wav/{path.name},"))
    return Expected(file.file, (index + 1,))


def _lost_wav(rng, folder):
    return damages.lost_image(rng, folder, _wav_mention)


def _speaker(rng, folder):
    return _replace(rng, folder, ",otto", ",otot", ".csv")


RECORDINGS = (
    _wav,
    _wav_rate,
    _lost_wav,
    _speaker,
    lambda rng, folder: _replace(rng, folder, "train", "trian", ".csv"),
    _any_text(damages.crlf),
    _any_text(damages.cr),
    _any_text(damages.bom),
    _any_text(damages.latin1),
    _any_text(damages.empty_file),
)
