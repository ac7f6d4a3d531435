"""Labelme: a JSON file of shapes for each image."""

from collections.abc import Iterator

from zoo.datasets.folders import image_files, json_file, objects, values
from zoo.datasets.folders.listing import IMAGES, FileFinder, split_of
from zoo.datasets.folders.records import Damage, Example, Problem
from zoo.datasets.folders.request import Request

LAYOUT = "Labelme"
LOOKS_FOR = "Labelme's JSON files"
_FEWEST_POINTS = {"rectangle": 2, "polygon": 3, None: 2}


def recognise(request: Request) -> bool:
    """Tells whether there is a JSON file of an image's name."""
    listing = request.listing
    stems = {image.rsplit(".", 1)[0] for image in listing.images()}
    return any(
        path.removesuffix(".json") in stems
        for path in listing.with_suffix(".json")
    )


def class_names(request: Request) -> None:
    """Returns no list of classes: those of the shapes are the classes."""
    del request


def read(request: Request) -> Iterator[Example | Problem]:
    """Yields an example for each image; without a JSON file, no label."""
    listing = request.listing
    finder = FileFinder(listing, IMAGES)
    annotations, broken = {}, set()
    for path in listing.with_suffix(".json"):
        image = None
        try:
            image = finder.beside(path)
            if image is None:
                raise Damage(
                    "Expected an image of the same name. Received: none"
                )
            size = image_files.size_in(listing, image)
            things = _things(listing.path(path), size)
        except Damage as damage:
            yield damage.at(path)
            broken.add(image)
            continue
        annotations[image] = path, things
    yield from objects.examples(request, annotations, broken, LAYOUT, split_of)


def _things(path, size):
    content, positions = json_file.read(path)
    shapes = content.get("shapes") if isinstance(content, dict) else None
    if not isinstance(shapes, list):
        raise Damage("Expected a list 'shapes'. Received: none", 1)
    things = []
    for index, shape in enumerate(shapes):
        try:
            things.append(_thing(shape, size))
        except Damage as damage:
            line = positions.line_of("shapes", index)
            raise Damage(str(damage), line) from damage
    return things


def _thing(shape, size):
    shape = shape if isinstance(shape, dict) else {}
    name, points = shape.get("label"), shape.get("points")
    if not isinstance(name, str) or not name.strip():
        raise Damage(f"Expected a shape with a label. Received: {name!r}")
    kind = shape.get("shape_type")
    if kind not in _FEWEST_POINTS:
        raise Damage(f"Expected a rectangle or a polygon. Received: {kind!r}")
    is_legal = isinstance(points, list) and all(
        isinstance(point, list) and len(point) == 2 for point in points
    )
    if not is_legal or len(points) < _FEWEST_POINTS[kind]:
        raise Damage(f"Expected points [x, y]. Received: {str(points)[:60]}")
    xs, ys = (
        [values.number(coordinate) for coordinate in axis]
        for axis in zip(*points, strict=True)
    )
    if None in xs or None in ys:
        raise Damage("Expected points of numbers. Received: a gap")
    # A rectangle may be drawn from any corner.
    corners = min(xs), min(ys), max(xs), max(ys)
    return objects.Thing(name.strip(), values.box(corners, size))
