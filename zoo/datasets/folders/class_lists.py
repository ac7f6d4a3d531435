"""Lists of classes in a folder: `classes.txt` and `classes_TASK.txt`."""

from zoo.datasets.folders import rows
from zoo.datasets.folders.records import Damage, Problem
from zoo.datasets.folders.request import Request

_KINDS = ("classification", "tagging", "mask", "detection", "count")
# Of one list, since both are of the same objects.
_OF_OBJECTS = ("detection", "count")


def read(request: Request) -> tuple[dict, list[Problem]]:
    """Reads the lists: a class a line, in order.

    `classes.txt` is that of the one classification task; of the one tagging
    task, mask, or of the objects, where there is no classification.

    Args:
        request: `Request`.

    Returns:
        Pair: a dict of task name to a tuple of class names, and the problems.
    """
    files = {f"classes_{task}.txt": task for task in request.of_kind(*_KINDS)}
    for kind in _KINDS:
        tasks = request.of_kind(kind)
        if tasks:
            if len(tasks) == 1:
                files["classes.txt"] = tasks[0]
            break
    classes, problems = {}, []
    for file, task in files.items():
        if file not in request.listing.files:
            continue
        try:
            classes[task] = _names(request.listing.path(file))
            if request.kinds[task] in _OF_OBJECTS:
                others = request.of_kind(*_OF_OBJECTS)
                classes.update(dict.fromkeys(others, classes[task]))
        except Damage as damage:
            problems.append(damage.at(file))
    return classes, problems


def _names(path):
    names = {}
    for number, line in rows.lines(path):
        name = line.strip()
        if name in names:
            raise Damage(
                f"Expected a class once. Received: {name!r}, also in line "
                f"{names[name]}",
                number,
            )
        if name:
            names[name] = number
    if not names:
        raise Damage("Expected a class a line. Received: an empty file", 1)
    return tuple(names)
