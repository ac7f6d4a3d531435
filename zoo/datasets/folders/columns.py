"""Which column of a table holds which input and which label."""

import dataclasses

from mtl_keras.messages import did_you_mean, listed, unknown
from zoo.datasets.folders.listing import split_named
from zoo.datasets.folders.records import Damage
from zoo.datasets.folders.request import Request
from zoo.datasets.folders.spelling import is_misspelt

# What people call the column of a task's label where it is not named after
# the task; used where there is one task of the kind.
_ALIASES = {
    "classification": ("label", "class", "category"),
    "tagging": ("tags", "labels"),
    "mask": ("mask",),
    "box": (
        ("x1", "y1", "x2", "y2"),
        ("xmin", "ymin", "xmax", "ymax"),
    ),
    "survival": (("time", "event"),),
}
# Of each pixel, in files that no table names.
_NOT_IN_CELLS = ("depth", "normals")
_INPUTS = {
    "image": (
        "path",
        "image",
        "file",
        "filename",
        "file_name",
        "image_path",
        "id",
    ),
    "audio": ("path", "audio", "file", "filename", "file_name", "id"),
    "clip": ("path", "clip", "file", "filename", "file_name", "id"),
    "text": ("tokens", "words", "text", "sentence", "utterance"),
}


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of one table.

    Args:
        inputs: Tuple of strings; one, but for a table of numbers.
        labels: Dict of task name to a tuple of columns. Tasks without any
            column are left out.
        split: String, the column that names the split, or `None`.
        group: String, the column of groups, or `None`.
        unused: Tuple of strings, the columns that are not read.
    """

    inputs: tuple
    labels: dict
    split: str | None
    group: str | None
    unused: tuple


def resolve(names: list[str], request: Request) -> Columns:
    """Finds the columns of a table.

    Args:
        names: List of strings, the columns that there are.
        request: `Request`.

    Returns:
        `Columns`.

    Raises:
        Damage: If a column is not there or its name looks misspelt.
    """
    by_name = {name.lower(): name for name in names}
    labels = {}
    for task, kind in request.kinds.items():
        if kind in _NOT_IN_CELLS:
            continue
        of_task = _of_task(task, kind, by_name, request)
        if of_task:
            labels[task] = of_task
    roles = {
        role: _given(role, request, by_name) or by_name.get(role)
        for role in ("split", "group")
    }
    used = {name for of_task in labels.values() for name in of_task}
    used |= {name for name in roles.values() if name}
    inputs = _inputs(names, by_name, used, request)
    unused = [name for name in names if name not in used | set(inputs)]
    for task in request.kinds:
        for name in unused or inputs:
            if task not in labels and is_misspelt(name, task):
                raise Damage(
                    f"Expected a column {task!r}. Received: {name!r}", 1
                )
    return Columns(inputs, labels, **roles, unused=tuple(unused))


def has_input(names: list[str], request: Request) -> bool:
    """Tells whether a table has a column of the input wanted."""
    if request.inputs == "table":
        return len(names) > 1
    lower = {name.lower() for name in names}
    given = str(request.columns.get(request.inputs, "")).lower()
    return bool(lower & {given, *_INPUTS[request.inputs]} - {""})


def input_names(request: Request) -> str:
    """Names the columns that would be taken for the input, for an error."""
    if request.inputs == "table":
        return "any names"
    return listed(_INPUTS[request.inputs])


def split_of_cell(value) -> str | None:
    """Reads a cell of the split column.

    Raises:
        Damage: If it names no split.
    """
    if value is None or not str(value).strip():
        return None
    split = split_named(str(value))
    if split is None:
        raise Damage(unknown("split", value, ("train", "validation", "test")))
    return split


def _given(role, request, by_name):
    name = request.columns.get(role)
    return None if name is None else _column(name, role, by_name)


def _column(name, role, by_name):
    if str(name).lower() not in by_name:
        raise Damage(
            f"Expected the column {name!r} for {role!r}."
            f"{did_you_mean(name, by_name)} Received: "
            f"{listed(by_name.values())}",
            1,
        )
    return by_name[str(name).lower()]


def _of_task(task, kind, by_name, request):
    given = request.columns.get(task)
    if given is not None:
        is_one = isinstance(given, str | int)
        parts = (str(given),) if is_one else tuple(map(str, given))
        return tuple(_column(part, task, by_name) for part in parts)
    candidates = list(_ALIASES.get(kind, ()))
    is_only = len(request.of_kind(kind)) == 1
    if kind in ("box", "survival"):
        own = [
            tuple(f"{task}_{part}" for part in parts) for parts in candidates
        ]
        candidates = own + candidates if is_only else own
    else:
        candidates = [(name,) for name in candidates] if is_only else []
        candidates.insert(0, (task,))
    for parts in candidates:
        present = [part for part in parts if part.lower() in by_name]
        if len(present) == len(parts):
            return tuple(by_name[part.lower()] for part in parts)
        if len(parts) > 1 and len(present) >= len(parts) / 2:
            raise Damage(
                f"Expected the columns {listed(parts)} for {task!r}. "
                f"Received: {listed(by_name.values())}",
                1,
            )
    return ()


def _inputs(names, by_name, used, request):
    if request.inputs == "table":
        given = request.columns.get("inputs")
        if given is None:
            return tuple(name for name in names if name not in used)
        for name in given:
            if name not in names:
                raise Damage(unknown("input column", name, names), 1)
        return tuple(given)
    given = _given(request.inputs, request, by_name)
    if given is not None:
        return (given,)
    for name in _INPUTS[request.inputs]:
        if name in by_name and by_name[name] not in used:
            return (by_name[name],)
    raise Damage(
        f"Expected a column of the {request.inputs}: one of "
        f"{input_names(request)}. Received: {listed(names)}",
        1,
    )
