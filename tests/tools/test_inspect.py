"""`python -m tools.inspect`: what it counts, finds, draws and returns."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.zoo.datasets.folders import generated
from zoo import registry
from zoo.commands import inspect
from zoo.datasets import folders
from zoo.datasets.folders.request import INPUTS

ROOT = Path(__file__).parents[2]


def _folder(tmp_path, name):
    make, _, _ = generated.LAYOUTS[name]
    return generated.fresh(tmp_path / "data", make)


def _inspect(tmp_path, model, *flags):
    argv = [f"--model={model}", f"--data={tmp_path / 'data'}"]
    return inspect.main([*argv, f"--output={tmp_path / 'seen.png'}", *flags])


def _rows(printed):
    """The table's lines: the first cell to the others."""
    rows = {}
    for line in printed.splitlines():
        first, *cells = line.split()
        rows[first] = cells
    return rows


def test_images_are_counted_and_drawn(tmp_path, capsys):
    _folder(tmp_path, "csv_pixels")
    assert _inspect(tmp_path, "cls_det_box") == 0
    printed = capsys.readouterr().out
    rows = _rows(printed)
    assert "table of files" in printed
    assert rows["examples"] == ["12", "3"]
    assert rows["apple"] == rows["banana"] == rows["orange"] == ["4", "1"]
    assert rows["yes"] == rows["labelled"] == ["12", "3"]
    assert "0 errors" in printed
    with Image.open(tmp_path / "seen.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    # Images were drawn: not all is the paper's white.
    assert pixels.shape[1] > 1000
    assert np.mean(pixels.sum(-1) < 700) > 0.2


def test_sentences_are_counted_and_drawn(tmp_path, capsys):
    _folder(tmp_path, "conll_bioes")
    assert _inspect(tmp_path, "intent_slot") == 0
    printed = capsys.readouterr().out
    rows = _rows(printed)
    assert "slot (tagging, BIOES)" in printed
    assert rows["Play"] == ["4", "1"]
    # Spans are counted, not words: "new york" is one city.
    assert rows["city"] == ["5", "1"]
    assert (tmp_path / "seen.png").exists()


def test_all_unreadable_files_are_listed(tmp_path, capsys):
    folder = _folder(tmp_path, "csv_pixels")
    (folder / "train" / "img0.png").write_bytes(b"")
    (folder / "train" / "img1.png").write_bytes(b"hello")
    path = folder / "train" / "img2.png"
    path.write_bytes(path.read_bytes()[:-200])
    (folder / "test" / "img12.png").unlink()
    assert _inspect(tmp_path, "cls_det_box") == 1
    printed = capsys.readouterr()
    for place in (*(f"train/img{i}.png" for i in range(3)), "labels.csv:14"):
        assert f"error: {place}: " in printed.out
    assert "would fail: 4 errors. Correct the lines" in printed.err


def test_a_column_that_no_task_reads_is_a_warning(tmp_path, capsys):
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [f"say {i}\t{'ab'[i % 2]}\trude" for i in range(20)]
    (folder / "a.tsv").write_text("\n".join(["text\tintent\ttone", *rows]))
    assert _inspect(tmp_path, "intent_slot", "--tasks=intent") == 0
    printed = capsys.readouterr().out
    assert "a.tsv:1: The columns 'tone' are not read" in printed
    assert "0 errors, 1 warning\n" in printed
    flags = ("--tasks=intent", "--columns=intent=purpose")
    assert _inspect(tmp_path, "intent_slot", *flags) == 1
    printed = capsys.readouterr().out
    assert "Expected the column 'purpose' for 'intent'" in printed


def test_an_error_of_each_sentence_is_one_line(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    blocks = [f"# cls = a\nword{index} O" for index in range(30)]
    text = "\n\n".join(blocks) + "\n"
    (tmp_path / "data" / "a.conll").write_text(text)
    assert _inspect(tmp_path, "cls_ner_srl") == 1
    printed = capsys.readouterr().out
    lines = [x for x in printed.splitlines() if "column of 'pos'" in x]
    assert len(lines) == 1
    assert lines[0].endswith("(30 times)")


def test_a_box_outside_its_image_is_an_error(tmp_path, capsys):
    folder = _folder(tmp_path, "csv_pixels")
    path = folder / "labels.csv"
    path.write_text(path.read_text().replace("1,2,31,28", "1,2,61,28", 1))
    assert _inspect(tmp_path, "cls_det_box") == 1
    printed = capsys.readouterr().out
    assert "labels.csv:14: 'box': Expected a box within the image's" in printed
    assert "40 x 32 pixels. Received: 1, 2, 61, 28" in printed


def test_duplicates_across_splits_are_a_warning(tmp_path, capsys):
    folder = _folder(tmp_path, "voc")
    shutil.copy(folder / "train/img5.png", folder / "test/img13.png")
    assert _inspect(tmp_path, "cls_det_box") == 0
    printed = capsys.readouterr().out
    assert "1 example given twice, both in 'test' and in 'train'" in printed


def test_a_sentence_that_is_too_long_is_an_error(tmp_path, capsys):
    folder = _folder(tmp_path, "sentence_tsv")
    with open(folder / "data.tsv", "a") as file:
        file.write("play the rock\tPlay\tO O B-genre\ttrain\n")
    assert _inspect(tmp_path, "intent_slot", "--max_tokens=5") == 0
    assert _inspect(tmp_path, "intent_slot", "--max_tokens=4") == 1
    assert "data.tsv:7: Expected a sentence of at most 4 words" in (
        capsys.readouterr().out
    )


@pytest.mark.slow
def test_heads_that_are_no_tree_are_an_error(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    rows = [
        f"{number}\tdogs\t_\tNOUN\t_\t_\t{head}\tdep\t_\t_\n"
        for number, head in ((1, 0), (2, 3), (3, 2))
    ]
    (tmp_path / "data" / "train.conllu").write_text("".join(rows))
    assert _inspect(tmp_path, "tag_parse") == 1
    printed = capsys.readouterr().out
    assert "train.conllu:2: Expected heads without a cycle" in printed


@pytest.mark.slow
def test_rare_places_of_heads_are_no_imbalance(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    # The second of two sentences has a root among its last words.
    rows = [
        [(1, 0), *((number, 1) for number in range(2, length))]
        for length in [*[4] * 30, 12]
    ]
    text = "\n".join(
        "".join(
            f"{number}\tw{place}{number}\t_\tNOUN\t_\t_\t{head}\tdep\t_\t_\n"
            for number, head in sentence
        )
        for place, sentence in enumerate(rows)
    )
    (tmp_path / "data" / "train.conllu").write_text(
        text + "\n" + text.replace("NOUN", "X", 1)
    )
    _inspect(tmp_path, "tag_parse")
    printed = capsys.readouterr().out
    assert "'pos' is imbalanced: 'X'" in printed
    assert "'head' is imbalanced" not in printed
    # Nor is each place a class with a line of its own.
    lines = [line.split() for line in printed.splitlines()]
    place = next(n for n, line in enumerate(lines) if line[:1] == ["head"])
    assert lines[place + 1] == ["labelled", "62"]
    assert lines[place + 2] == ["missing", "0"]


def test_a_task_without_labels_is_an_error_only_where_it_is_named(
    tmp_path, capsys
):
    # As in training, which leaves it out.
    _folder(tmp_path, "class_folders")
    assert _inspect(tmp_path, "cls_det_box") == 0
    printed = capsys.readouterr().out
    assert "no labels of 'box': it is left out" in printed
    assert _inspect(tmp_path, "cls_det_box", "--tasks=cls,box") == 1
    printed = capsys.readouterr().out
    assert "Expected labels of 'box' in the training split" in printed
    assert _inspect(tmp_path, "cls_det_box", "--tasks=cls") == 0


@pytest.mark.parametrize("num_groups", [6, 7])
def test_too_few_groups_to_divide_are_an_error(num_groups, tmp_path, capsys):
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [f"say {i}\t{'ab'[i % 2]}\tg{i % num_groups}" for i in range(42)]
    text = "\n".join(["text\tintent\tgroup", *rows])
    (folder / "a.tsv").write_text(text)
    status = _inspect(tmp_path, "intent_slot", "--tasks=intent")
    assert status == (1 if num_groups < 7 else 0)
    printed = capsys.readouterr().out
    assert ("to divide. Received: 6" in printed) == (num_groups < 7)
    # The judgement is that of the division itself.
    source = folders.read(folder, {"intent": "classification"}, "text")
    if num_groups < 7:
        with pytest.raises(folders.DataError):
            source.division(tmp_path / "tfds")
    else:
        source.division(tmp_path / "tfds")


def test_imbalance_and_missing_labels_are_shown(tmp_path, capsys):
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [f"play song {i}\tPlay" for i in range(50)]
    rows += ["stop it\tStop", "stop now\tStop", "what\t?"]
    (folder / "a.tsv").write_text("text\tintent\n" + "\n".join(rows))
    assert _inspect(tmp_path, "intent_slot", "--tasks=intent") == 0
    printed = capsys.readouterr().out
    assert _rows(printed)["missing"] == ["1"]
    assert "'intent' is imbalanced: 'Stop'" in printed


def test_tags_that_continue_nothing_are_a_warning(tmp_path, capsys):
    folder = tmp_path / "data"
    folder.mkdir()
    lines = [
        f"play O\njazz{i} B-genre\n\nplay O\nrock{i} I-genre\n"
        for i in range(6)
    ]
    lines += ["play O\nblues B-genre\n\n"] * 2
    (folder / "a.bio").write_text("\n".join(lines))
    assert _inspect(tmp_path, "intent_slot", "--tasks=slot") == 0
    printed = capsys.readouterr().out
    assert "(tagging, IOB2)" in printed
    assert _rows(printed)["genre"] == ["14"]
    assert "6 tags I of 'slot' continue nothing" in printed


def test_other_columns_are_named_by_a_flag(tmp_path, capsys):
    folder = _folder(tmp_path, "sentence_csv")
    path = folder / "data.csv"
    path.write_text(path.read_text().replace("intent", "purpose", 1))
    flags = ("--columns=intent=purpose",)
    assert _inspect(tmp_path, "intent_slot", *flags) == 0
    assert _rows(capsys.readouterr().out)["Play"] == ["4", "1"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model=cls_det_box"], "--data, a folder"),
        (["--model=cls_det_bx", "--data=."], "Did you mean 'cls_det_box'"),
        (["--model=cls_det_box", "--data=nowhere"], "not there"),
        (
            ["--model=cls_det_box", "--data=.", "--tasks=clss"],
            "Did you mean 'cls'",
        ),
        (
            ["--model=cls_det_box", "--data=.", "--columns=cls"],
            "Received: 'cls'",
        ),
    ],
)
def test_wrong_flags_are_refused(flags, message, capsys):
    assert inspect.main(flags) == 1
    assert message in capsys.readouterr().err


def test_nothing_of_a_backend_is_imported(tmp_path):
    _folder(tmp_path, "yolo")
    code = (
        "import sys\nfrom zoo.commands import inspect\n"
        f"status = inspect.main(['--model=cls_det_box', '--output=', "
        f"'--data={tmp_path / 'data'}'])\n"
        "print(status, [n for n in ('keras', 'tensorflow') if n in "
        "sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.strip().endswith("0 []")


# The seconds of the CPU, and the peak of the memory. `ru_maxrss` would be that
# of the process that started this one.
_MEASURED = """
import re, sys, time
from zoo.commands import inspect
from zoo.datasets import folders
from zoo.datasets.folders.request import INPUTS
status = inspect.main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())
print(status, time.process_time(), peak.group(1))
"""


def _sentences(folder):
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 10, (100_000, 12))
    with open(folder / "data.csv", "w") as file:
        file.write("text,intent,slot\n")
        for number, row in enumerate(kinds):
            words = " ".join(f"w{number % 997}{kind}" for kind in row)
            tags = " ".join(f"B-s{k}" if k < 3 else "O" for k in row)
            file.write(f"{words},intent{number % 7},{tags}\n")


def _images(folder):
    for number in range(10_000):
        path = folder / ("abcde"[number % 5] * 4) / str(number)
        generated.image(path, number, ".jpg", (160, 120))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "make", "flags"),
    [
        ("intent_slot", _sentences, ()),
        ("cls_det_box", _images, ("--tasks=cls",)),
    ],
)
def test_large_folders_take_a_minute_and_little_memory(
    model, make, flags, tmp_path
):
    folder = tmp_path / "data"
    folder.mkdir()
    make(folder)
    argv = [
        f"--model={model}",
        f"--data={folder}",
        f"--output={tmp_path / 'seen.png'}",
        *flags,
    ]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *argv],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    status, seconds, kilobytes = done.stdout.split()[-3:]
    assert int(status) == 0
    assert float(seconds) < 60
    assert int(kilobytes) < 300_000


@pytest.mark.parametrize("name", zoo.list_models())
def test_each_model_says_what_it_reads(name):
    reads = registry.find(name).entry.reads
    if reads is None:
        with pytest.raises(ValueError, match="reads folders of your own"):
            inspect.inputs_of(zoo.info(name))
    else:
        assert inspect.inputs_of(zoo.info(name)) == reads
        assert reads in INPUTS
