"""Reads the treebank, its entities and its roles, and joins them."""

import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from mtl_keras.messages import listed
from zoo.datasets import originals, tree_faults
from zoo.datasets.ewt_joint import names

_ID = re.compile(r"# sent_id = (\S+)")
_DOCUMENT = re.compile(r"# newdoc id = (\S+)")
_WORD = re.compile(r"\d+\t")
_OPENING = re.compile(r"\(([^*()]+)")
_SKELETON = re.compile(r"(?:^|/)google/ewt/(\w+)/\d+/(.+)\.gold_skel$")
_ENDING = ".xml"
_NUM_CELLS = 10
# Of a skeleton: the columns before those of the predicates.
_NUM_FIXED = 8
_TAG_COLUMN, _SENSE_COLUMN = 4, 7
_PREDICATE = ("V", "C-V")


def read(
    conllu: Path, iob: Path, skeletons: Mapping[tuple[str, str], list]
) -> Iterator[dict]:
    """Reads the sentences of a split.

    Args:
        conllu: Path of a file of UD_English-EWT.
        iob: Path of the file of the same sentences of UNER_English-EWT.
        skeletons: Dict that `read_skeletons` returned.

    Yields:
        Dicts: `id`, `genre`; `tokens`, `pos`, `features`, `head` and
        `relation`, lists of the words' forms, parts of speech, features, the
        numbers of their heads (from 1; 0 is the root) and relations; `ner`,
        tags; `roles`, a list of pairs of a predicate's index and its tags, or
        `None` where the roles are not annotated.

    Raises:
        ValueError: If a file is missing or damaged, or they differ.
    """
    entities = {}
    for name, _, rows in _blocks(iob, least=3):
        entities[name] = [_entity(iob, *row) for row in rows]
    document, number = None, 0
    for name, new_document, rows in _blocks(conllu, least=_NUM_CELLS):
        if new_document is not None:
            document, number = new_document, 0
        line = rows[0][0]
        genre, _, rest = (document or "").partition("-")
        if genre not in names.GENRES:
            raise originals.damage(
                conllu,
                f"a document of one of {listed(names.GENRES)}",
                repr(document),
                line,
            )
        sentence = _words(conllu, rows)
        tags = entities.pop(name, None)
        if tags is None or len(tags) != len(rows):
            raise originals.damage(
                iob,
                f"{len(rows)} words of the sentence {name}",
                "none" if tags is None else str(len(tags)),
            )
        roles = _roles(
            skeletons.get((genre, rest), ()), number, [r[1] for r in rows]
        )
        number += 1
        yield {
            "id": name,
            "genre": genre,
            **sentence,
            "ner": tags,
            "roles": roles,
        }
    if entities:
        raise originals.damage(
            conllu, f"the sentence {next(iter(entities))}", "none of this id"
        )


def _blocks(path, least):
    """Yields a sentence's id, new document or none, and lines of cells."""
    name, document, rows, seen = None, None, [], set()
    for number, line in [*originals.lines(path), (0, "")]:
        if line.startswith("#"):
            match = _ID.match(line)
            name = match[1] if match else name
            match = _DOCUMENT.match(line)
            document = match[1] if match else document
        elif _WORD.match(line):
            cells = line.split("\t")
            if len(cells) < least or not all(cells[:least]):
                raise originals.damage(
                    path, f"{least} columns", repr(line), number
                )
            if int(cells[0]) != len(rows) + 1:
                raise originals.damage(
                    path, f"word {len(rows) + 1}", cells[0], number
                )
            rows.append((number, cells))
        elif not line.strip() and rows:
            if name is None or name in seen:
                raise originals.damage(
                    path, "a sent_id of its own", str(name), rows[0][0]
                )
            seen.add(name)
            yield name, document, rows
            name, document, rows = None, None, []
        elif line.strip() and not re.match(r"\d+[-.]\d+\t", line):
            raise originals.damage(path, "a word", repr(line), number)
    if not seen:
        raise originals.damage(path, "sentences", "none")


def _entity(path, line, cells) -> str:
    tag = cells[2]
    if tag != "O" and tag[:2] not in ("B-", "I-"):
        raise originals.damage(path, "O, B-... or I-...", repr(tag), line)
    # Other kinds than these three were annotated in part of the files alone.
    return tag if tag[2:] in names.ENTITIES else "O"


def _words(path, rows) -> dict:
    heads = []
    for line, cells in rows:
        if cells[3] not in names.PARTS_OF_SPEECH:
            raise originals.damage(
                path, "a part of speech", repr(cells[3]), line
            )
        # ASCII alone: `isdigit` takes a superscript, which `int` refuses.
        is_number = re.fullmatch("[0-9]{1,4}", cells[6])
        if not is_number or not 0 <= int(cells[6]) <= len(rows):
            raise originals.damage(
                path, f"a head from 0 to {len(rows)}", repr(cells[6]), line
            )
        heads.append(int(cells[6]))
    columns = {"tokens": 1, "pos": 3, "features": 5, "relation": 7}
    return {
        **{key: [c[n] for _, c in rows] for key, n in columns.items()},
        "head": heads,
    }


def check_tree(path: Path, sentence: Mapping) -> None:
    """Raises for heads that are no tree, and for an unknown relation.

    Args:
        path: Path of the file that the sentence is from.
        sentence: Dict, as `read` yields it.

    Raises:
        ValueError: If the heads are not a tree with one root, or a relation
            is not one of the treebank's.
    """
    fault = tree_faults.first(sentence["head"])
    if fault is not None:
        word = f"{sentence['id']}, word {fault.index + 1}"
        raise originals.damage(
            path, f"{fault.expected} in {word}", fault.received
        )
    for relation in sentence["relation"]:
        if relation not in names.RELATIONS:
            raise originals.damage(path, "a relation of UD", repr(relation))


def _roles(sentences, number, words):
    """Finds the roles of a sentence: the same words by their tags (XPOS)."""
    rows = sentences[number] if number < len(sentences) else ()
    if len(rows) != len(words):
        return None
    same = sum(
        row[_TAG_COLUMN] == cells[4]
        for row, cells in zip(rows, words, strict=True)
    )
    if 2 * same < len(words):
        return None
    predicates = [k for k, row in enumerate(rows) if row[_SENSE_COLUMN] != "-"]
    return [
        (k, _role_tags([row[_NUM_FIXED + j] for row in rows]))
        for j, k in enumerate(predicates)
    ]


def _role_tags(column) -> list[str]:
    """Turns `(ARG1*`, `*`, `*)` to tags; the predicate itself has none."""
    tags, role = [], None
    for cell in column:
        match = _OPENING.match(cell)
        mark = "B" if match else "I"
        if match:
            role = match[1]
        tags.append("O" if role is None else _role_tag(mark, role))
        if cell.endswith(")"):
            role = None
    return tags


def _role_tag(mark, role) -> str:
    if role in _PREDICATE:
        return "O"
    return f"{mark}-{role if role in names.ROLES else names.OTHER_ROLE}"


def read_skeletons(path: Path, sha256: str | None = None) -> dict:
    """Reads the roles of PropBank, whose files have no words.

    Args:
        path: Path of the folder or of the tar file that holds
            `google/ewt/GENRE/00/DOCUMENT.gold_skel`.
        sha256: String, the sum of the files as `digest` makes it. Defaults to
            `None`, not compared.

    Returns:
        Dict from genre and document to its sentences, each a list of the
        cells of its words.

    Raises:
        ValueError: If the files are missing or damaged.
    """
    contents = dict(skeleton_files(path))
    if not contents:
        raise originals.damage(path, "files *.gold_skel of ewt", "none")
    if sha256 is not None and digest(contents) != sha256:
        raise originals.damage(
            path,
            f"{len(contents)} files of sha256 {sha256[:16]}...",
            digest(contents)[:16],
        )
    return {
        document: _sentences(path, document, content)
        for document, content in contents.items()
    }


def digest(contents: Mapping[tuple[str, str], bytes]) -> str:
    """Computes one sha256 of many files, whatever they were packed in.

    Args:
        contents: Dict from genre and document to bytes.

    Returns:
        String of hexadecimal digits.
    """
    total = hashlib.sha256()
    for document, content in sorted(contents.items()):
        total.update("/".join(document).encode())
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


def skeleton_files(path: Path) -> Iterator[tuple[tuple[str, str], bytes]]:
    """Finds the files of the web sentences in a folder or a tar file.

    Args:
        path: As for `read_skeletons`.

    Yields:
        Pairs of genre and document, and the file's bytes.

    Raises:
        ValueError: If the file is missing or damaged.
    """
    if path.is_dir():
        for file in sorted(path.rglob("*.gold_skel")):
            match = _SKELETON.search(file.as_posix())
            if match:
                yield _document(match), file.read_bytes()
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
            for member in archive:
                match = _SKELETON.search(member.name)
                if match and member.isfile():
                    yield _document(match), archive.extractfile(member).read()
    except FileNotFoundError as error:
        raise originals.missing(path) from error
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise originals.damage(path, "a tar file", str(error)) from error


def _document(match):
    return match[1], match[2].removesuffix(_ENDING)


def _sentences(path, document, content):
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise originals.damage(path, "text", "/".join(document)) from error
    sentences = [
        [line.split() for line in block.splitlines()]
        for block in text.strip().split("\n\n")
    ]
    for rows in sentences:
        num_predicates = sum(
            len(row) > _SENSE_COLUMN and row[_SENSE_COLUMN] != "-"
            for row in rows
        )
        if any(len(row) != _NUM_FIXED + num_predicates for row in rows):
            raise originals.damage(
                path,
                f"{_NUM_FIXED} columns and one a predicate in each line",
                "another number in " + "/".join(document),
            )
    return sentences
