"""COCO: a JSON file with images, categories and annotations."""

from collections.abc import Iterator

from mtl_keras.messages import unknown
from zoo.datasets.folders import image_files, json_file, masks, objects, values
from zoo.datasets.folders.listing import (
    IMAGES,
    FileFinder,
    split_of,
    split_of_labels,
)
from zoo.datasets.folders.records import Damage, Example, Place, Problem
from zoo.datasets.folders.request import Request

LAYOUT = "COCO"
LOOKS_FOR = "COCO's JSON file"
# How much of a file is searched for the keys, so that nothing large is read.
_HEAD = 1 << 16
_KEYS = ("images", "annotations", "categories", "file_name")


def recognise(request: Request) -> bool:
    """Tells whether a JSON file has COCO's keys."""
    listing = request.listing
    return any(listing.files[path][0] for path in _files(listing))


def class_names(request: Request) -> tuple[str, ...] | None:
    """Returns the names of the categories in the order of their numbers."""
    names = {}
    for path in _files(request.listing):
        try:
            content, positions = json_file.read(request.listing.path(path))
            names.update(_categories(content, positions))
        except Damage:
            # `read` reports it.
            return None
    return tuple(dict.fromkeys(names[key] for key in sorted(names)))


def read(request: Request) -> Iterator[Example | Problem]:
    """Yields an example for each image of each JSON file."""
    finder = FileFinder(request.listing, IMAGES)
    seen = {}
    for path in _files(request.listing):
        try:
            content, positions = json_file.read(request.listing.path(path))
            yield from _file(request, finder, path, content, positions, seen)
        except Damage as damage:
            yield damage.at(path)


def _files(listing):
    return [p for p in listing.with_suffix(".json") if _is_coco(listing, p)]


def _is_coco(listing, path):
    size, _ = listing.files[path]
    if not size:
        # It may have been a split: `read` reports it.
        return True
    with open(listing.path(path), "rb") as file:
        head = file.read(_HEAD)
        file.seek(max(0, size - _HEAD))
        head += file.read(_HEAD)
    return sum(f'"{key}"'.encode() in head for key in _KEYS) > 1


def _file(request, finder, path, content, positions, seen):
    names = _categories(content, positions)
    mask_task = request.only("mask", LAYOUT)
    annotations, problems = _annotations(content, positions)
    yield from (problem.at(path) for problem in problems)
    split = split_of_labels(path)
    known = set(names.values())
    ids = set()
    for index, image in enumerate(_list(content, "images")):
        try:
            number, name = _image(image, ids)
            file = finder.find(name, path)
            if file in seen:
                raise Damage(
                    f"Expected an image once. Received: {file!r}, also in "
                    f"{seen[file]!r}"
                )
            seen[file] = path
            size = image_files.size_in(request.listing, file)
            of_image = annotations.pop(number, [])
            things = _things(of_image, names, size, positions)
            mask = None
            if mask_task is not None:
                mask = _mask(of_image, names, size, positions)
        except Damage as damage:
            line = damage.line or positions.line_of("images", index)
            yield damage.at(path, line)
            continue
        labels = objects.labels(things, request, known, LAYOUT)
        if mask_task is not None:
            labels[mask_task] = mask
        place = Place(path, None)
        yield Example(place, {"image": file}, labels, split_of(file) or split)
    for number, left in annotations.items():
        if number in ids:
            continue
        line = positions.line_of("annotations", left[0][0])
        yield Damage(
            "Expected the id of an image. Received: an annotation with "
            f"image_id={number!r}",
            line,
        ).at(path)


def _list(content, key):
    value = content.get(key) if isinstance(content, dict) else None
    if not isinstance(value, list):
        raise Damage(
            f"Expected a list {key!r}. Received: a {type(value).__name__}", 1
        )
    return value


def _categories(content, positions):
    names = {}
    for index, category in enumerate(_list(content, "categories")):
        is_whole = (
            isinstance(category, dict)
            and isinstance(category.get("id"), int)
            and isinstance(category.get("name"), str)
        )
        if not is_whole or category["id"] in names:
            raise Damage(
                "Expected a category with an id of its own and a name. "
                f"Received: {str(category)[:60]}",
                positions.line_of("categories", index),
            )
        names[category["id"]] = category["name"].strip()
    return names


def _annotations(content, positions):
    """Groups the annotations by image; each with its place in the list."""
    grouped, problems = {}, []
    for index, annotation in enumerate(_list(content, "annotations")):
        number = (
            annotation.get("image_id") if isinstance(annotation, dict) else None
        )
        if not isinstance(number, int | str):
            problems.append(
                Damage(
                    "Expected an annotation with image_id. Received: "
                    f"{str(annotation)[:60]}",
                    positions.line_of("annotations", index),
                )
            )
            continue
        grouped.setdefault(number, []).append((index, annotation))
    return grouped, problems


def _image(image, ids):
    number = image.get("id") if isinstance(image, dict) else None
    name = image.get("file_name") if isinstance(image, dict) else None
    if isinstance(number, int | str) and number in ids:
        raise Damage(
            f"Expected an id of its own. Received: id={number!r} twice"
        )
    if not isinstance(number, int | str) or not isinstance(name, str):
        # Its annotations are not a problem of their own.
        ids.add(number if isinstance(number, int | str) else None)
        raise Damage(
            "Expected an image with id and file_name. Received: "
            f"{str(image)[:60]}"
        )
    ids.add(number)
    return number, name


def _things(annotations, names, size, positions):
    things = []
    for index, annotation in annotations:
        try:
            category = annotation.get("category_id")
            if category not in names:
                raise Damage(unknown("category_id", category, map(str, names)))
            things.append(
                objects.Thing(names[category], _box(annotation, size))
            )
        except Damage as damage:
            line = positions.line_of("annotations", index)
            raise Damage(str(damage), line) from damage
    return things


def _mask(annotations, names, size, positions):
    """Makes the mask; `None` if an object has no outline."""
    shapes = []
    for index, annotation in annotations:
        segmentation = annotation.get("segmentation")
        if not segmentation:
            return None
        try:
            masks.filled(segmentation, size)
        except Damage as damage:
            line = positions.line_of("annotations", index)
            raise Damage(str(damage), line) from damage
        shapes.append((names[annotation["category_id"]], segmentation))
    return masks.Mask(size, shapes=tuple(shapes))


def _box(annotation, size):
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        raise Damage(
            f"Expected bbox as [x, y, width, height]. Received: {str(box)[:60]}"
        )
    numbers = [values.number(value) for value in box]
    if None in numbers:
        raise Damage(f"Expected four numbers in bbox. Received: {box}")
    x, y, width, height = numbers
    return values.box((x, y, x + width, y + height), size)
