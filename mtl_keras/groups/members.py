"""The names of a group's members, and entries that go by them.

A group is a `Task` with `names`, those of its members. Outputs, labels,
losses and metrics go by the group's name; weights, balancers and the vectors
of a step have an entry for each member.
"""

import dataclasses

from mtl_keras import checks
from mtl_keras.labels import LabelSpec
from mtl_keras.messages import did_you_mean, listed

# How many names an error lists.
_MOST_LISTED = 8


def check_members(task) -> None:
    """Checks the names of a group's members and completes them to a tuple.

    Args:
        task: `Task`; its `names` may be empty.

    Raises:
        ValueError: If `names` is no sequence of different strings, or tasks
            of this kind cannot be grouped.
    """
    names = task.names
    if not isinstance(names, list | tuple) or not all(
        isinstance(name, str) and name.isprintable() and name.strip()
        for name in names
    ):
        raise ValueError(
            f"Task {task.name!r}: `names` must be a sequence of strings, the "
            f"members of a group. Received: names={names!r}"
        )
    object.__setattr__(task, "names", tuple(names))
    checks.boolean("log_members", task.log_members)
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(
            f"Task {task.name!r}: each member of a group needs a name of its "
            f"own. Received: {abridged(twice)} more than once in `names`."
        )
    if names and task.name in names:
        raise ValueError(
            f"Task {task.name!r}: a member must not have the group's name, "
            f"or nobody could tell which is meant. Received: {task.name!r} "
            "in `names`. Rename one of them."
        )
    if names and (task.kind is None or not _is_groupable(task.kind)):
        raise ValueError(
            f"Task {task.name!r}: tasks of the kind {task.kind!r} cannot be "
            f"grouped. Expected one of {listed(groupable_kinds())}. Give each "
            "an output of its own, without `names`."
        )


def groupable_kinds() -> list[str]:
    """Lists the kinds of tasks that can be the members of a group."""
    from mtl_keras import heads

    return [kind for kind in heads.list_kinds() if _is_groupable(kind)]


def _is_groupable(kind) -> bool:
    from mtl_keras import heads

    # An unknown kind has an error of its own.
    return kind not in heads.list_kinds() or heads.get(kind).is_groupable


def label_of_columns(task) -> LabelSpec:
    """Gives the label of a group a column for each member.

    Args:
        task: `Task`.

    Returns:
        `LabelSpec` of shape `(members, ...)`; that of a single task as it is.

    Raises:
        ValueError: If the label is an array of another length.
    """
    label, width = task.label, len(task.names)
    if not width:
        return label
    if label.shape == ():
        return dataclasses.replace(label, shape=(width,))
    is_vector = label.rule is None and label.shape == (width,)
    is_one_hot = label.rule == "one_hot" and (
        len(label.shape) == 2 and label.shape[0] == width
    )
    if not is_vector and not is_one_hot:
        raise ValueError(
            f"Task {task.name!r}: the label of a group must have a column for "
            f"each of its {width} members. Received: label={label!r}. Leave "
            "out the shape."
        )
    return label


def members_by_task(tasks) -> dict[str, tuple[str, ...]]:
    """Lists the tasks that each output stands for.

    Args:
        tasks: Dict, task name to `Task`, or a sequence of `Task`.

    Returns:
        Dict, task name to a tuple: the members of a group, else the name.

    Raises:
        ValueError: If a member has the name of another task.
    """
    tasks = tasks.values() if isinstance(tasks, dict) else tasks
    members = {task.name: task.members for task in tasks}
    owners = dict.fromkeys(members)
    for group, names in members.items():
        if names == (group,):
            continue
        for name in names:
            if name in owners:
                other = owners[name]
                place = "a task" if other is None else f"in {other!r}"
                raise ValueError(
                    f"Each task and each member of a group needs a name of "
                    f"its own. Received: {name!r}, a member of {group!r}, is "
                    f"also {place}. Rename one of them."
                )
            owners[name] = group
    return members


def places(members: dict) -> dict[str, slice]:
    """Lists which entries of a vector over all tasks belong to each output.

    Args:
        members: Dict, as of `members_by_task`.

    Returns:
        Dict, task name to slice.
    """
    slices, start = {}, 0
    for name, group in members.items():
        slices[name] = slice(start, start + len(group))
        start += len(group)
    return slices


def task_of_each(tasks: dict) -> dict:
    """Lists the task or group that each task and each member belongs to.

    Args:
        tasks: Dict, task name to `Task`.

    Returns:
        Dict, task name or member to `Task`.
    """
    return {m: task for task in tasks.values() for m in task.members}


def by_member(named, groups: dict) -> dict:
    """Expands entries of a group to its members.

    Args:
        named: Mapping, the name of a task, a group or a member to anything. A
            member's own entry counts before its group's.
        groups: Dict, group to a tuple of its members.

    Returns:
        Dict, the name of a task or a member to the entry.
    """
    whole = {
        member: entry
        for name, entry in named.items()
        for member in groups.get(name, ())
    }
    own = {name: e for name, e in named.items() if name not in groups}
    return {**whole, **own}


def check_known(argument: str, names, tasks, groups: dict) -> None:
    """Checks that every name is a task, a group or a member.

    Args:
        argument: String, the argument that holds the names.
        names: Iterable of names as received.
        tasks: Sequence of strings, the trained tasks, members included.
        groups: Dict, group to a tuple of its members.

    Raises:
        ValueError: If a name is not one of these.
    """
    members = {m for group in groups.values() for m in group}
    known = [*groups, *(name for name in tasks if name not in members)]
    for name in names:
        if name not in groups and name not in tasks:
            raise ValueError(
                f"`{argument}` names the task {name!r}, which this model "
                f"does not train. It trains {abridged(known)}"
                f"{' and their members' if groups else ''}."
                f"{did_you_mean(name, [*groups, *tasks])} "
                f"Received: {argument} with {name!r}"
            )


def abridged(names) -> str:
    """Lists names for an error, the first of many.

    Args:
        names: Iterable of strings.

    Returns:
        String such as `"'a', 'b' and 137 more"`.
    """
    names = list(names)
    if len(names) <= _MOST_LISTED:
        return listed(names)
    rest = len(names) - _MOST_LISTED + 1
    return f"{listed(names[: _MOST_LISTED - 1])} and {rest} more"
