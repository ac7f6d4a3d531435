"""A table that names images, recordings or clips, with their labels."""

import dataclasses
from collections.abc import Iterator

from zoo.datasets.folders import (
    clip_files,
    image_files,
    label_cells,
    masks,
    recordings,
    table_files,
    values,
)
from zoo.datasets.folders.listing import (
    CLIPS,
    IMAGES,
    MASKS,
    RECORDINGS,
    FileFinder,
    split_of,
)
from zoo.datasets.folders.records import Damage, Example, Place, Problem
from zoo.datasets.folders.request import Request

LAYOUT = "table of files"
LOOKS_FOR = "a table with a column 'path'"
_SUFFIXES = {"image": IMAGES, "audio": RECORDINGS, "clip": CLIPS}


def recognise(request: Request) -> bool:
    """Tells whether a table names files."""
    return table_files.recognise(request)


def class_names(request: Request) -> None:
    """Returns no list of classes: those of the rows are the classes."""
    del request


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    """A row of a table; boxes are as they are written."""

    place: Place
    labels: dict
    split: str | None
    group: str | None


def read(request: Request) -> Iterator[Example | Problem]:
    """Yields an example for each file that a table names.

    An image may have several rows, one for each box. The row with the largest
    box then has its labels.
    """
    by_file = {}
    finder = FileFinder(request.listing, _SUFFIXES[request.inputs])
    mask_finder = None
    if request.of_kind("mask"):
        mask_finder = FileFinder(request.listing, MASKS, of_masks=True)
    for item in table_files.read(request):
        if isinstance(item, Problem):
            yield item
            continue
        path, line, split, resolved, row = item
        try:
            name = row.get(resolved.inputs[0])
            file = finder.find(values.text("" if name is None else name), path)
            labels = _labels(row, resolved, request)
            for task in request.of_kind("mask"):
                if labels.get(task) is not None:
                    labels[task] = mask_finder.find(labels[task], path)
        except Damage as damage:
            yield damage.at(path, line)
            continue
        group = table_files.group_of(row, resolved)
        by_file.setdefault(file, []).append(
            _Row(Place(path, line), labels, split or split_of(file), group)
        )
    assembly = _Assembly(by_file, request)
    for file, rows in by_file.items():
        try:
            yield assembly.example(file, rows)
        except Damage as damage:
            yield damage.at(
                rows[0].place.file, damage.line or rows[0].place.line
            )


def _labels(row, resolved, request):
    """Reads a row's labels; boxes stay as they are written."""
    labels = {}
    for task, names in resolved.labels.items():
        if request.kinds[task] in ("count", "detection"):
            # A table has a row for each box, and no list of the classes.
            continue
        cells = [row.get(name) for name in names]
        try:
            if request.kinds[task] == "box":
                labels[task] = _corners(cells)
            else:
                labels[task] = label_cells.read(request.kinds[task], cells)
        except Damage as damage:
            raise Damage(f"{task!r}: {damage}") from damage
    return labels


def _corners(cells):
    corners = [values.number(cell) for cell in cells]
    if all(corner is None for corner in corners):
        return None
    if None in corners:
        raise Damage(f"Expected four numbers. Received: {cells}")
    return tuple(corners)


class _Assembly:
    """Makes examples of rows, by what all rows of the folder show.

    Boxes are in pixels or in fractions: what most of them are. A box of at
    most one pixel is no object, so that none is in doubt.
    """

    def __init__(self, by_file, request):
        self._request = request
        self._boxes = request.of_kind("box")
        self._classifications = request.of_kind("classification")
        self._classes = set()
        small = large = 0
        for rows in by_file.values():
            for row in rows:
                self._classes |= self._classes_of(row)
                for task in self._boxes:
                    corners = row.labels.get(task)
                    if corners is not None:
                        is_small = _is_fraction(corners)
                        small, large = small + is_small, large + (not is_small)
        self._is_pixels = large > small

    def example(self, file, rows):
        """Makes the example of a file."""
        size = None
        if self._request.inputs == "image":
            size = image_files.size_in(self._request.listing, file)
        elif self._request.inputs == "clip":
            clip_files.check_in(self._request.listing, file)
        else:
            recordings.check_in(self._request.listing, file)
        first = rows[0]
        if len(rows) > 1:
            self._check_alike(file, rows)
        scaled = [self._scaled(row, size) for row in rows]
        largest = max(scaled, key=self._area)
        labels = {**self._request.without_labels(), **largest.labels}
        for task in self._request.of_kind("mask"):
            if labels[task] is not None:
                labels[task] = masks.Mask(size, labels[task])
        for task in self._request.of_kind("presence"):
            labels[task] = self._presence(task, rows)
        inputs = {self._request.inputs: file}
        return Example(largest.place, inputs, labels, first.split, first.group)

    def _check_alike(self, file, rows):
        first, second = rows[:2]
        if not any(
            row.labels.get(task) for row in rows for task in self._boxes
        ):
            raise Damage(
                "Expected a row for each file, or for each box. Received: "
                f"{file!r}, also at {first.place}",
                second.place.line,
                second.place.file,
            )
        for row in rows[1:]:
            if (row.split, row.group) != (first.split, first.group):
                raise Damage(
                    "Expected one split and group for all rows of a file. "
                    f"Received: others than at {first.place}",
                    row.place.line,
                    row.place.file,
                )

    def _scaled(self, row, size):
        """Brings a row's boxes to fractions."""
        labels = dict(row.labels)
        for task in self._boxes:
            if labels.get(task) is not None:
                try:
                    labels[task] = self._box(labels[task], size)
                except Damage as damage:
                    raise Damage(
                        f"{task!r}: {damage}", row.place.line, row.place.file
                    ) from damage
        return dataclasses.replace(row, labels=labels)

    def _box(self, corners, size):
        if self._is_pixels and _is_fraction(corners):
            raise Damage(
                "Expected a box in pixels, as in most rows. Received: "
                f"fractions, {', '.join(f'{c:g}' for c in corners)}"
            )
        return values.box(corners, size if self._is_pixels else None)

    def _area(self, row):
        boxes = (row.labels.get(task) for task in self._boxes)
        return max(
            ((b[2] - b[0]) * (b[3] - b[1]) for b in boxes if b is not None),
            default=0.0,
        )

    def _presence(self, task, rows):
        """Without a column of its own, presence is that of a class or a box."""
        if task in rows[0].labels:
            known = [row.labels[task] for row in rows]
            return max((k for k in known if k is not None), default=None)
        classes = set().union(*map(self._classes_of, rows))
        has_box = any(
            row.labels.get(box) for row in rows for box in self._boxes
        )
        if task in self._classes:
            return int(task in classes) if classes else None
        return 1 if classes or has_box else None

    def _classes_of(self, row):
        labels = (row.labels.get(task) for task in self._classifications)
        return {label for label in labels if label is not None}


def _is_fraction(corners):
    # A little beyond 1 is rounding.
    return max(corners) <= 1.01
