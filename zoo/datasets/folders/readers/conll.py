"""CoNLL: a line for each word, an empty line after each sentence."""

import collections
import re
from collections.abc import Iterator

from mtl_keras.messages import listed
from zoo.datasets.folders import rows, values
from zoo.datasets.folders.listing import split_of_labels
from zoo.datasets.folders.records import Damage, Example, Place, Problem
from zoo.datasets.folders.request import Request

LAYOUT = "CoNLL"
LOOKS_FOR = "a .conll or .iob2 file"
_SUFFIXES = (".conll", ".iob", ".iob1", ".iob2", ".bio", ".bioes", ".conllu")
# `# intent = PlayMusic`: a label of the sentence.
_COMMENT = re.compile(r"#\s*([^=:]+?)\s*[=:]\s*(.*?)\s*$")
_TAG = re.compile(r"O|[BIESLU]-.+")
_COLUMNS = "global.columns"
_START = "-DOCSTART-"
# The columns of CoNLL-U by the task that they are named after, or by the name
# that tasks often have.
_CONLLU = {
    "lemma": 2,
    "upos": 3,
    "pos": 3,
    "xpos": 4,
    "feats": 5,
    "head": 6,
    "deprel": 7,
    "rel": 7,
}
_NUM_CONLLU = 10
# How many lines are looked at for the number of columns.
_NUM_FIRST = 200


def recognise(request: Request) -> bool:
    """Tells whether there are files of columns."""
    return bool(_files(request))


def class_names(request: Request) -> None:
    """Returns no list of classes: those of the words are the classes."""
    del request


def read(request: Request) -> Iterator[Example | Problem]:
    """Yields an example for each sentence."""
    for path in _files(request):
        try:
            yield from _File(path, request).sentences()
        except Damage as damage:
            yield damage.at(path)


def _files(request):
    """Finds the files of columns; of `.txt` those that look like them."""
    listing = request.listing
    return [
        path
        for path in listing.with_suffix(*_SUFFIXES, ".txt")
        if not path.endswith(".txt") or _has_columns(listing.path(path))
    ]


def _has_columns(path):
    """Tells whether the first lines have as many cells, and a tag last."""
    counts, has_tag = set(), False
    try:
        for number, line in rows.lines(path):
            if line.strip() and not line.startswith(("#", _START)):
                cells = line.split()
                counts.add(len(cells))
                has_tag |= bool(_TAG.fullmatch(cells[-1]))
            if number == _NUM_FIRST:
                break
    except Damage:
        # Not text, or of a place that `read` would report.
        return has_tag
    return has_tag and len(counts) == 1 and counts.pop() > 1


class _File:
    def __init__(self, path, request):
        self._path, self._request = path, request
        self._is_conllu = path.lower().endswith(".conllu")
        self._standard = {}
        self._tagged = request.of_kind("tagging")
        self._columns = {
            name: place
            for name, place in request.columns.items()
            if isinstance(place, int)
        }
        self._num_cells = None
        self._places = tuple(self._columns.values())

    def sentences(self):
        """Yields an example, or a problem, for each sentence."""
        self._num_cells = self._usual_num_cells()
        if self._is_conllu and self._num_cells == _NUM_CONLLU:
            self._standard = _CONLLU
        words, comments = [], {}
        lines = rows.lines(self._request.listing.path(self._path))
        for number, line in lines:
            comment = self._comment(line)
            if comment is not None:
                comments.update({k: (number, v) for k, v in comment.items()})
            elif line.strip():
                words.append((number, self._cells(line)))
            elif words:
                yield from self._sentence(words, comments)
                words, comments = [], {}
        if words:
            yield from self._sentence(words, comments)

    def _usual_num_cells(self):
        """Returns how many columns most of the first lines have."""
        counts = collections.Counter()
        for _, line in rows.lines(self._request.listing.path(self._path)):
            is_word = line.strip() and not line.startswith(("#", _START))
            if is_word:
                counts[len(self._cells(line))] += 1
            if counts.total() == _NUM_FIRST:
                break
        if not counts:
            raise Damage("Expected a sentence. Received: none", 1)
        return counts.most_common(1)[0][0]

    def _cells(self, line):
        # Tabs where there are any: a cell may then hold spaces.
        cells = line.split("\t") if "\t" in line else line.split()
        return [cell.strip() for cell in cells]

    def _comment(self, line):
        """Reads a comment; `#` alone may be a word, with its tags."""
        if not line.startswith("#") or "\t" in line:
            return None
        match = _COMMENT.match(line)
        if match is None:
            return {} if line.startswith("# ") and self._is_conllu else None
        name, value = match.groups()
        if name == _COLUMNS:
            for place, column in enumerate(value.split()):
                self._columns.setdefault(column.lower(), place)
        return {name: value}

    def _sentence(self, words, comments):
        if words[0][1][0] == _START:
            return
        try:
            yield self._example(words, comments)
        except Damage as damage:
            yield damage.at(self._path, damage.line or words[0][0])

    def _example(self, words, comments):
        if self._is_conllu:
            # 3-4 is a contraction, 3.1 a word that was left out.
            words = [pair for pair in words if pair[1][0].isdigit()]
        for number, cells in words:
            if not self._is_whole(cells):
                raise Damage(
                    f"Expected {self._num_cells} columns, as in most "
                    f"lines. Received: {len(cells)}",
                    number,
                )
        token = self._place("token", 1 if self._is_conllu else 0)
        labels = self._request.without_labels()
        for task in self._tagged:
            place = self._place(task, None)
            tags = [cells[place] for _, cells in words]
            # Of CoNLL-U, `_` in a whole sentence: it is not annotated.
            is_missing = all(
                rows.is_missing(tag) or (self._standard and tag == "_")
                for tag in tags
            )
            labels[task] = None if is_missing else tags
        lines = [number for number, _ in words]
        places = {task: lines for task in self._tagged}
        for task, kind in self._request.kinds.items():
            if task in comments and kind != "tagging":
                number, value = comments[task]
                labels[task] = self._label(kind, value, number)
                places[task] = Place(self._path, number)
        group = comments.get("group", (0, None))[1]
        return Example(
            Place(self._path, words[0][0]),
            {"tokens": [cells[token] for _, cells in words]},
            labels,
            split_of_labels(self._path),
            group,
            places,
        )

    def _is_whole(self, cells):
        if self._places:
            # Named columns are enough, whatever stands behind them.
            return len(cells) > max(self._places) and all(cells)
        return len(cells) == self._num_cells and all(cells)

    def _place(self, name, default):
        columns = {**self._standard, **self._columns}
        place = columns.get(name, default)
        alias = self._request.columns.get(name)
        if isinstance(alias, str):
            place = columns.get(alias.lower(), place)
        if name == "token":
            for other in ("form", "word", "text"):
                place = self._columns.get(other, place)
        if place is None:
            if len(self._tagged) > 1 or self._columns:
                raise Damage(
                    f"Expected the column of {name!r} in a comment such as "
                    f"'# {_COLUMNS} = token {' '.join(self._tagged)}'. "
                    f"Received: {listed(self._columns)}",
                    1,
                )
            place = self._num_cells - 1
        if not 0 <= place < self._num_cells:
            raise Damage(
                f"Expected a column of the {self._num_cells} for {name!r}. "
                f"Received: number {place}",
            )
        return place

    def _label(self, kind, value, number):
        if rows.is_missing(value):
            return None
        try:
            if kind == "presence":
                return values.presence(value)
            if kind == "regression":
                return values.number(value)
        except Damage as damage:
            raise Damage(str(damage), number) from damage
        return value
