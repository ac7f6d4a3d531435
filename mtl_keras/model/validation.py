"""Checks the outputs and the declared tasks of a multi-task model."""

import keras

from mtl_keras.groups.members import members_by_task
from mtl_keras.model.arguments import check_names
from mtl_keras.task import Task


def named_outputs(args, kwargs) -> None:
    """Checks that a functional model's outputs are a flat dict of tensors.

    Args:
        args: Positional arguments of the model's constructor.
        kwargs: Keyword arguments of the model's constructor.

    Raises:
        ValueError: If they are not.
    """
    unknown = set(kwargs) - {"inputs", "outputs", "name", "trainable"}
    if unknown:
        raise TypeError(
            "MultiTaskModel takes the keywords 'inputs', 'outputs', 'tasks', "
            f"'sharing', 'name' and 'trainable'. Received: {sorted(unknown)}"
        )
    outputs = kwargs.get("outputs", args[1] if len(args) > 1 else None)
    repair = (
        "Pass a flat dict of task name to tensor: MultiTaskModel(inputs, "
        '{"cls": cls, "box": box}).'
    )
    if outputs is None:
        raise ValueError(
            "MultiTaskModel is built from inputs and outputs. "
            f"{repair} Received: {len(args)} positional arguments and "
            f"keywords {sorted(kwargs)}"
        )
    if not isinstance(outputs, dict):
        raise ValueError(
            "The outputs of a MultiTaskModel must be named. "
            f"{repair} Received: outputs of type {type(outputs).__name__}"
        )
    if not outputs:
        raise ValueError(f"A MultiTaskModel needs an output. {repair}")
    for name, tensor in outputs.items():
        if isinstance(tensor, dict | list | tuple):
            raise ValueError(
                f"The output {name!r} is nested. {repair} "
                f"Received: {type(tensor).__name__}"
            )
        if not isinstance(tensor, keras.KerasTensor):
            raise ValueError(
                f"The output {name!r} is no Keras tensor. {repair} "
                f"Received: {type(tensor).__name__}"
            )
        Task(name)  # Raises if the name is not legal.


def declared_tasks(tasks, outputs: dict) -> tuple[Task, ...]:
    """Reads the `tasks` argument of a model.

    Args:
        tasks: `None`, or a sequence of `Task` or of their configs.
        outputs: Dict, task name to output tensor.

    Returns:
        Tuple of `Task`, sorted by name.

    Raises:
        ValueError: If an entry is no task, names no output, or appears twice.
    """
    if isinstance(tasks, Task):
        tasks = [tasks]
    if not isinstance(tasks, list | tuple | None):
        raise ValueError(
            "`tasks` must be a sequence of mtl_keras.Task. "
            f"Received: tasks={tasks!r}"
        )
    read = []
    for task in tasks or ():
        task = Task.from_config(task) if isinstance(task, dict) else task
        if not isinstance(task, Task):
            raise ValueError(
                "`tasks` must be a sequence of mtl_keras.Task. "
                f"Received: {task!r} of type {type(task).__name__} in it"
            )
        read.append(task)
    names = [task.name for task in read]
    check_names("tasks", names, sorted(outputs))
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"`tasks` declares {name!r} twice. Received: {names}"
            )
    members_by_task([*read, *(Task(n) for n in outputs if n not in names)])
    for task in read:
        _check_output(task, tuple(outputs[task.name].shape))
    return tuple(sorted(read, key=lambda task: task.name))


def _check_output(task, shape):
    if task.is_group:
        num_members = len(task.members)
        expected = (num_members,)
        if task.kind == "classification":
            expected = (num_members, task.num_classes)
        if shape[1:] != expected:
            raise ValueError(
                f"Group {task.name!r} has {num_members} members, so that its "
                f"output needs the shape {(None, *expected)}. Received: an "
                f"output of shape {shape}"
            )
        return
    if task.kind == "classification" and shape[-1] != task.num_classes:
        raise ValueError(
            f"Task {task.name!r} has {task.num_classes} classes, but its "
            f"output has the shape {shape}. Expected a last axis of "
            f"{task.num_classes}."
        )
    if task.kind in ("presence", "regression") and shape[-1] != 1:
        raise ValueError(
            f"Task {task.name!r} of kind {task.kind!r} is one number, but its "
            f"output has the shape {shape}. Expected a last axis of 1. For "
            "several numbers leave out `kind` and give `loss`."
        )
    if task.kind == "survival" and shape[1:] != (task.head.units(task),):
        raise ValueError(
            f"Task {task.name!r} of kind 'survival' with "
            f"loss={task.loss!r} needs an output of shape "
            f"{(None, task.head.units(task))}, a risk or a hazard for each "
            f"interval. Received: shape {shape}"
        )
    if task.kind == "box" and shape[-1] != 4:
        raise ValueError(
            f"Task {task.name!r} is a box, but its output has the shape "
            f"{shape}. Expected a last axis of 4: x1, y1, x2, y2."
        )
