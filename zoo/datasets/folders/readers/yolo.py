"""YOLO: a text file for each image, with a line for each object."""

import os
import reprlib
from collections.abc import Iterator

from zoo.datasets.folders import image_files, objects, rows, values
from zoo.datasets.folders.listing import split_named, split_of
from zoo.datasets.folders.records import Damage, Example, Place, Problem
from zoo.datasets.folders.request import Request

LAYOUT = "YOLO"
LOOKS_FOR = "YOLO's data.yaml or classes.txt"
_NAMES = ("classes.txt", "obj.names")
# 4 numbers are a box, more are the corners of an outline.
_BOX = 4


def recognise(request: Request) -> bool:
    """Tells whether there are class names and text files for images."""
    listing = request.listing
    texts = set(listing.with_suffix(".txt")) - set(_name_files(listing))
    return bool(_name_files(listing)) and any(
        _label_file(image) in texts or _beside(image) in texts
        for image in listing.images()
    )


def class_names(request: Request) -> tuple[str, ...] | None:
    """Returns the classes' names in the order of their numbers."""
    try:
        return _configuration(request.listing)[1]
    except Damage:
        # `read` reports it.
        return None


def read(request: Request) -> Iterator[Example | Problem]:
    """Yields an example for each image; without a text file, no label.

    An empty file says that the image holds no object.
    """
    listing = request.listing
    try:
        name_file, names, folders = _configuration(listing)
    except Damage as damage:
        yield damage.at(_name_files(listing)[0])
        return
    labelled = set()
    for image in listing.images():
        path = next(
            (
                p
                for p in (_label_file(image), _beside(image))
                if p in listing.files and p != name_file
            ),
            None,
        )
        labelled.add(path)
        try:
            image_files.size_in(listing, image)
        except Damage as damage:
            yield damage.at(image)
            continue
        try:
            things = path and _things(listing.path(path), names)
        except Damage as damage:
            yield damage.at(path)
            continue
        labels = objects.labels(things, request, names, LAYOUT)
        split = _given_split(image, folders) or split_of(image)
        yield Example(Place(path or image), {"image": image}, labels, split)
    for path in listing.with_suffix(".txt"):
        if "labels" in path.split("/") and path not in labelled:
            yield Damage(
                "Expected an image of the same name. Received: none"
            ).at(path)


def _label_file(image):
    """Replaces the last folder `images` by `labels`, as YOLO does."""
    stem = image.rsplit(".", 1)[0]
    before, inside, after = f"/{stem}".rpartition("/images/")
    return f"{before}/labels/{after}.txt"[1:] if inside else f"{stem}.txt"


def _beside(image):
    return image.rsplit(".", 1)[0] + ".txt"


def _name_files(listing):
    files = [
        path
        for path in listing.files
        if path.count("/") <= 1
        and (
            path.rsplit("/", 1)[-1] in _NAMES
            or path.lower().endswith((".yaml", ".yml"))
        )
    ]
    # The YAML file first: it also names the splits.
    return sorted(files, key=lambda path: (path.endswith(_NAMES), path))


def _configuration(listing):
    """Returns the file with the names, the names, and folders of splits."""
    path = _name_files(listing)[0]
    if path.endswith(_NAMES):
        named = [
            line.strip()
            for _, line in rows.lines(listing.path(path))
            if line.strip()
        ]
        return path, _checked_names(named, 1), {}
    text = "\n".join(line for _, line in rows.lines(listing.path(path)))
    content = _yaml(text)
    names = content.get("names")
    line = 1 + text[: max(0, text.find("names"))].count("\n")
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise Damage(
                "Expected `names` numbered from 0. Received: "
                f"{reprlib.repr(list(names))}",
                line,
            )
        names = [names[number] for number in range(len(names))]
    folders = {
        key: os.path.normpath(os.path.join(_inside(content), value))
        for key, value in content.items()
        if isinstance(value, str) and split_named(str(key))
    }
    return path, _checked_names(names, line), folders


def _inside(content):
    path = content.get("path")
    is_relative = isinstance(path, str) and not path.startswith(("/", ".."))
    return path if is_relative else ""


def _yaml(text):
    # Of ml_collections, which the recipes are written with.
    import yaml

    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise Damage(
            f"Expected YAML. Received: {getattr(error, 'problem', error)}",
            1 if mark is None else mark.line + 1,
        ) from error
    if not isinstance(content, dict):
        raise Damage("Expected YAML with `names`. Received: no keys", 1)
    return content


def _checked_names(names, line):
    is_list = isinstance(names, list) and names
    if not is_list or not all(isinstance(name, str | int) for name in names):
        raise Damage(
            f"Expected the classes' names. Received: {reprlib.repr(names)}",
            line,
        )
    names = tuple(str(name) for name in names)
    if len(set(names)) < len(names):
        raise Damage(
            f"Expected different class names. Received: {reprlib.repr(names)}",
            line,
        )
    return names


def _given_split(image, folders):
    for key, folder in folders.items():
        if image.startswith(folder.lstrip("./") + "/"):
            return split_named(key)
    return None


def _things(path, names):
    things = []
    for number, line in rows.lines(path):
        if not line.strip():
            continue
        try:
            things.append(_thing(line.split(), names))
        except Damage as damage:
            raise Damage(str(damage), number) from damage
    return things


def _thing(cells, names):
    numbers = [values.number(cell) for cell in cells]
    if None in numbers or len(numbers) < 1 + _BOX or not len(numbers) % 2:
        raise Damage(
            "Expected a class's number and x, y, width, height. Received: "
            f"{' '.join(cells)[:60]!r}"
        )
    label, *numbers = numbers
    if not (label.is_integer() and 0 <= label < len(names)):
        raise Damage(
            f"Expected a class's number from 0 to {len(names) - 1}. "
            f"Received: {cells[0]!r}"
        )
    if len(numbers) == _BOX:
        x, y, width, height = numbers
        corners = (
            x - width / 2,
            y - height / 2,
            x + width / 2,
            y + height / 2,
        )
    else:
        xs, ys = numbers[::2], numbers[1::2]
        corners = min(xs), min(ys), max(xs), max(ys)
    return objects.Thing(names[int(label)], values.box(corners))
