"""The objects of an image as labels of one class, presence, and boxes.

The largest object decides the class and the box. A presence task asks for the
class that `columns` names for it, else for the class that it is named after,
else whether there is any object. Without an object the class and the box are
missing. A detection task has all objects, a count task how many there are of
each class.
"""

import dataclasses
from collections.abc import Iterator

from mtl_keras.messages import unknown
from zoo.datasets.folders import image_files
from zoo.datasets.folders.records import Damage, Example, Place, Problem
from zoo.datasets.folders.request import Request


@dataclasses.dataclass(frozen=True, slots=True)
class Thing:
    """An object in an image.

    Args:
        class_name: String, or `None` where only the box is known.
        box: Tuple `x1, y1, x2, y2` in fractions of the image, or `None`
            where only the class is known.
        line: Integer, where it stands in its file, or `None`.
    """

    class_name: str | None
    box: tuple | None
    line: int | None = None


def examples(
    request: Request, annotations: dict, broken, layout: str, split_of
) -> Iterator[Example | Problem]:
    """Yields an example for each image; an image without a file has no label.

    Args:
        request: `Request`.
        annotations: Dict of image to its file of labels and its list of
            `Thing`.
        broken: Set of the images whose file of labels is damaged.
        layout: String, as for `labels`.
        split_of: Function of an image's path that returns its split.
    """
    lists = [things for _, things in annotations.values()]
    class_names = {thing.class_name for things in lists for thing in things}
    for image in request.listing.images():
        if image in broken:
            continue
        path, things = annotations.get(image, (image, None))
        try:
            if things is None:
                image_files.size_in(request.listing, image)
        except Damage as damage:
            yield damage.at(image)
            continue
        largest = largest_of(things or [])
        place = Place(path, largest and largest.line)
        yield Example(
            place,
            {"image": image},
            labels(things, request, class_names, layout),
            split_of(image),
        )


def labels(
    things: list[Thing] | None, request: Request, class_names, layout: str
) -> dict:
    """Makes an image's labels.

    Args:
        things: List of `Thing`; `None` if the image has no annotation.
        request: `Request`.
        class_names: Container of the names of all classes of the layout.
        layout: String, for errors.

    Returns:
        Dict of task name to label, `None` where it is missing.

    Raises:
        ValueError: If two tasks ask for the class, or for the box, or
            `columns` names a class that there is not.
    """
    made = request.without_labels()
    if things is None:
        return made
    largest = largest_of(things)
    for kind, field in (("classification", "class_name"), ("box", "box")):
        task = request.only(kind, layout)
        if task is not None and largest is not None:
            made[task] = getattr(largest, field)
    is_whole = all(t.class_name and t.box for t in things)
    for task in request.of_kind("detection"):
        made[task] = things if is_whole else None
    for task in request.of_kind("count"):
        names = [thing.class_name for thing in things]
        made[task] = None if None in names else names
    present = {thing.class_name for thing in things}
    for task in request.of_kind("presence"):
        asked = request.columns.get(task, task)
        if task in request.columns and asked not in class_names:
            raise ValueError(
                unknown(f"class for {task!r} in `columns`", asked, class_names)
            )
        made[task] = int(
            asked in present if asked in class_names else bool(things)
        )
    return made


def class_names_of(kind: str, label) -> list[str]:
    """Lists the class of each object of a detection's or a count's label."""
    if kind == "count":
        return label
    return [thing.class_name for thing in label]


def largest_of(things: list[Thing]) -> Thing | None:
    """Returns the object that decides the class and the box."""
    return max(things, key=_area, default=None)


def _area(thing):
    if thing.box is None:
        return 0.0
    x1, y1, x2, y2 = thing.box
    return (x2 - x1) * (y2 - y1)
