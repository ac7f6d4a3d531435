"""A table that names image files or recordings, with their labels."""

from collections.abc import Iterator

from zoo.datasets.folders import (
    image_files,
    label_cells,
    masks,
    recordings,
    table_files,
    values,
)
from zoo.datasets.folders.listing import (
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
_SUFFIXES = {"image": IMAGES, "audio": RECORDINGS}


def recognise(request: Request) -> bool:
    """Tells whether a table names files."""
    return table_files.recognise(request)


def class_names(request: Request) -> None:
    """Returns no list of classes: those of the rows are the classes."""
    del request


def read(request: Request) -> Iterator[Example | Problem]:
    """Yields an example for each file that a table names.

    An image may have several rows, one for each box. The row with the largest
    box then has its labels.
    """
    finder = FileFinder(request.listing, _SUFFIXES[request.inputs])
    mask_finder = None
    if request.of_kind("mask"):
        mask_finder = FileFinder(request.listing, MASKS, of_masks=True)
    by_file = {}
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
        found = (Place(path, line), labels, split or split_of(file), group)
        by_file.setdefault(file, []).append(found)
    unit = _Unit(by_file, request)
    for file, found in by_file.items():
        try:
            yield _example(file, found, unit, request)
        except Damage as damage:
            yield damage.at(found[0][0].file, damage.line or found[0][0].line)


def _labels(row, resolved, request):
    """Reads a row's labels; boxes stay as they are written."""
    labels = {}
    for task, names in resolved.labels.items():
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


class _Unit:
    """Whether the boxes are in pixels or in fractions: what most of them are.

    A box of at most one pixel is no object, so that none is in doubt.
    """

    def __init__(self, by_file, request):
        small = large = 0
        for found in by_file.values():
            for _, labels, _, _ in found:
                for task in request.of_kind("box"):
                    corners = labels.get(task)
                    if corners is not None:
                        is_small = _is_fraction(corners)
                        small, large = small + is_small, large + (not is_small)
        self.is_pixels = large > small

    def box(self, corners, size):
        if self.is_pixels and _is_fraction(corners):
            raise Damage(
                "Expected a box in pixels, as in most rows. Received: "
                f"fractions, {', '.join(f'{c:g}' for c in corners)}"
            )
        return values.box(corners, size if self.is_pixels else None)


def _is_fraction(corners):
    # A little beyond 1 is rounding.
    return max(corners) <= 1.01


def _example(file, found, unit, request):
    size = None
    if request.inputs == "image":
        size = image_files.size_in(request.listing, file)
    else:
        recordings.check_in(request.listing, file)
    boxes = request.of_kind("box")
    place, labels, split, group = found[0]
    if len(found) > 1 and not any(
        row.get(task) for _, row, _, _ in found for task in boxes
    ):
        raise Damage(
            f"Expected a row for each file, or for each box. Received: "
            f"{file!r}, also in line {place.line}",
            found[1][0].line,
        )
    rows = [
        (_to_fractions(row, where, boxes, unit, size), where)
        for where, row, _, _ in found
    ]
    if len(rows) > 1:
        labels, place = max(rows, key=lambda pair: _area(pair[0], boxes))
    else:
        labels = rows[0][0]
    others = {(split_, group_) for _, _, split_, group_ in found}
    if len(others) > 1:
        raise Damage(
            "Expected one split and group for all rows of a file. Received: "
            f"{sorted(map(str, others))}",
            found[1][0].line,
        )
    labels = {**request.without_labels(), **labels}
    for task in request.of_kind("mask"):
        if labels[task] is not None:
            labels[task] = masks.Mask(size, labels[task])
    _complete_presence(labels, [row for row, _ in rows], request)
    return Example(place, {request.inputs: file}, labels, split, group)


def _to_fractions(labels, place, boxes, unit, size):
    labels = dict(labels)
    for task in boxes:
        if labels.get(task) is not None:
            try:
                labels[task] = unit.box(labels[task], size)
            except Damage as damage:
                raise Damage(f"{task!r}: {damage}", place.line) from damage
    return labels


def _area(labels, boxes):
    areas = [
        (box[2] - box[0]) * (box[3] - box[1])
        for box in map(labels.get, boxes)
        if box is not None
    ]
    return max(areas, default=0.0)


def _complete_presence(labels, rows, request):
    """Without a column of its own, presence is that of a class or a box."""
    names = {
        row[task]
        for row in rows
        for task in request.of_kind("classification")
        if row.get(task) is not None
    }
    has_box = any(
        row.get(task) for row in rows for task in request.of_kind("box")
    )
    for task in request.of_kind("presence"):
        if task in rows[0]:
            known = [row[task] for row in rows if row[task] is not None]
            labels[task] = max(known, default=None)
        elif task in names or has_box:
            labels[task] = 1
