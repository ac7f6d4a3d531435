"""Builds models for new tasks out of a trained one."""

import warnings

import keras

from mtl_keras import checks, compat
from mtl_keras.extract.copying import GraphCopy
from mtl_keras.extract.sources import check_model
from mtl_keras.messages import listed
from mtl_keras.sharing.building import checked_tasks, default_head
from mtl_keras.task import Task
from mtl_keras.transfer import attachment

# They change variables in training although they are not trainable.
_MOVING = (keras.layers.SpectralNormalization,)


def features(
    model, tasks, *, at=None, like=None, inputs=None, head=None, name=None
):
    """Builds new heads on the frozen trunk of a trained model.

    ```python
    new = mtl_keras.transfer.features(model, [Task("breed", "presence")])
    new.compile("adam")
    new.fit(x, labels)
    ```

    The trunk is a copy with the weights of now; `model` does not change. Its
    layers are frozen: no weight or statistic of it moves while the new heads
    are trained. `unfreeze` and `fine_tune` train it later.

    Args:
        model: Functional model whose outputs are a flat dict of task name to
            tensor, such as a `MultiTaskModel`.
        tasks: `Task`, or a sequence of them, the new tasks.
        at: String or Keras layer, the layer of the model whose output the new
            heads read, a layer within a nested model included. Defaults to
            `None`: the last tensor that all tasks depend on, or the one that
            all heads read; of a model of one task, what its last layer with
            weights reads.
        like: String, a task of `model`: each new task gets new layers like
            those that this task has alone before its output layer, such as
            the gate of a mixture of experts or the adapter of a data set.
            Defaults to `None`.
        inputs: Dict, the name of an input that the task in `like` reads to a
            `keras.Input` with another name: the new tasks read this one, for
            instance those of another data set. Defaults to `None`, the same
            inputs.
        head: Function of features and a `Task` that returns the task's
            output, from a layer that is named after the task. Defaults to the
            head of the task's kind.
        name: String, the name of the new model.

    Returns:
        `MultiTaskModel` of the new tasks, not compiled.

    Raises:
        ValueError: If `model` is not functional, its tasks have no common
            trunk and neither `at` nor `like` is given, one of these is
            unknown, or a task has no kind and there is no `head`.
    """
    check_model(model, "transfer.features")
    tasks = checked_tasks(tasks, _checked_head(head))
    place = attachment.find(model, at=at, like=like, inputs=inputs)
    return _rebuilt(model, tasks, place, head, name, fresh=False)


def structure(
    model, tasks, *, at=None, like=None, inputs=None, head=None, name=None
):
    """Builds a model of the same architecture for new tasks.

    The layers before the heads are those of `model`, with new weights, all of
    them trainable. Statistics of the data, as those of
    `keras.layers.Normalization`, are kept.

    Args:
        model: As for `features`.
        tasks: As for `features`.
        at: As for `features`.
        like: As for `features`.
        inputs: As for `features`.
        head: As for `features`.
        name: As for `features`.

    Returns:
        `MultiTaskModel` of the new tasks, not compiled.

    Raises:
        ValueError: As for `features`.
    """
    check_model(model, "transfer.structure")
    tasks = checked_tasks(tasks, _checked_head(head))
    place = attachment.find(model, at=at, like=like, inputs=inputs)
    return _rebuilt(model, tasks, place, head, name, fresh=True)


def add_task(
    model,
    task,
    *,
    at=None,
    like=None,
    inputs=None,
    head=None,
    freeze=True,
    name=None,
):
    """Adds a task to a trained model.

    ```python
    larger = mtl_keras.transfer.add_task(model, Task("defect", "presence"))
    larger.compile("adam")
    larger.fit(x, {"defect": labels})
    ```

    The result is a copy; `model` does not change. The outputs of the other
    tasks are bitwise those of `model`, and stay so while the new head is
    trained, since all other layers are frozen.

    Penalties of the architecture that built `model`, such as the distance
    between trunks of soft sharing, are not carried over.

    Args:
        model: As for `features`.
        task: `Task`, the new one.
        at: As for `features`.
        like: As for `features`.
        inputs: As for `features`.
        head: As for `features`.
        freeze: Boolean, whether all layers but those of the new task are
            frozen. Defaults to `True`.
        name: String, the name of the new model. Defaults to that of `model`.

    Returns:
        `MultiTaskModel` of all tasks, not compiled. The earlier tasks have
        the loss and metrics that `model` was compiled with; those without any
        need `loss={"task": None}` in `compile`.

    Raises:
        ValueError: As for `features`, or if the model has a task, a member of
            a group, an input or a layer of this name.
    """
    from mtl_keras.model.compiled_tasks import task_as_compiled
    from mtl_keras.model.model import MultiTaskModel

    check_model(model, "transfer.add_task")
    if not isinstance(task, Task):
        raise ValueError(
            "`add_task` adds one task at a time. Expected a mtl_keras.Task. "
            f"Received: task={task!r}"
        )
    checked_tasks(task, _checked_head(head))
    checks.boolean("freeze", freeze)
    known = sorted(model.output)
    if task.name in known:
        raise ValueError(
            f"The model has a task {task.name!r} already. Expected another "
            f"name than {listed(known)}. Received: the task {task.name!r}"
        )
    place = attachment.find(model, at=at, like=like, inputs=inputs)
    outputs = place.graph.outputs
    copy = GraphCopy(model, place.graph, [*outputs, *place.slots])
    new = _head_on(place, copy, task, head)
    copy.copy_weights()
    if freeze:
        _freeze(copy)
    tasks = [task]
    if isinstance(model, MultiTaskModel):
        tasks += [task_as_compiled(model, each) for each in known]
    return MultiTaskModel(
        place.inputs(copy),
        {
            **{
                each: copy.values[slot]
                for each, slot in zip(known, outputs, strict=True)
            },
            task.name: new,
        },
        tasks=tasks,
        name=name or model.name,
    )


def _rebuilt(model, tasks, place, head, name, *, fresh):
    from mtl_keras.model.model import MultiTaskModel

    copy = GraphCopy(model, place.graph, place.slots, fresh=fresh)
    outputs = {task.name: _head_on(place, copy, task, head) for task in tasks}
    copy.copy_weights()
    if not fresh:
        _freeze(copy)
    return MultiTaskModel(
        place.inputs(copy),
        outputs,
        tasks=tasks,
        name=name or f"{model.name}_transfer",
    )


def _checked_head(head):
    if head is not None and not callable(head):
        raise ValueError(
            "`head` must be a function of features and a task that returns "
            f"the task's output. Received: head={head!r}"
        )
    return head


def _head_on(place, copy, task, head):
    if task.name in copy.names:
        raise ValueError(
            f"The model has a layer or input {task.name!r}, which is the name "
            "that the new task's last layer gets. Rename the task. Received: "
            f"task {task.name!r}"
        )
    tensor = place.features(copy, task.name)
    return (head or default_head)(tensor, task)


def _freeze(copy):
    moving = []
    for _, layer in copy.layers:
        layer.trainable = False
        inside = [layer, *compat.nested_layers(layer)]
        if any(isinstance(each, _MOVING) for each in inside):
            moving.append(layer.name)
    if moving:
        warnings.warn(
            f"The layers {listed(moving)} are frozen, but normalize their "
            "kernels anew in each training step: SpectralNormalization does "
            "so in Keras whether it is trainable or not.",
            UserWarning,
            # The line that calls `features` or `add_task`.
            stacklevel=3,
        )
