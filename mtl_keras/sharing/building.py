"""Builds a multi-task model from a trunk, an architecture and tasks."""

from keras import tree

from mtl_keras.messages import listed
from mtl_keras.sharing import registry
from mtl_keras.sharing.trunk import Trunk
from mtl_keras.task import Task


def build(inputs, tasks, *, trunk, sharing="hard", head=None, name=None):
    """Builds a model whose tasks share a trunk.

    ```python
    image = keras.Input((32, 32, 1), name="image")
    tasks = [
        mtl_keras.Task("cls", "classification", num_classes=10),
        mtl_keras.Task("det", "presence"),
    ]
    model = mtl_keras.build(image, tasks, trunk=trunk, sharing="mmoe")
    ```

    Args:
        inputs: `keras.Input`, or a list or dict of them.
        tasks: Sequence of `Task`.
        trunk: A function from inputs to features, a Keras layer or model, a
            list of these (its stages), or a `sharing.Trunk`.
        sharing: Name of an architecture (`sharing.list_sharings()`), a dict
            such as `{"name": "mmoe", "num_experts": 4}`, or a
            `sharing.Sharing`. Defaults to `"hard"`.
        head: Function of features and a `Task` that returns the task's output.
            Defaults to the head of the task's kind.
        name: String, the model's name.

    Returns:
        `MultiTaskModel`, not compiled.

    Raises:
        ValueError: If the tasks, the trunk and the architecture do not fit.
    """
    from mtl_keras.model.model import MultiTaskModel

    tasks = checked_tasks(tasks, head)
    _check_inputs(inputs, [task.name for task in tasks])
    architecture = registry.get(sharing)
    outputs = architecture.outputs(
        inputs, tasks, Trunk.of(trunk), head or default_head
    )
    arguments = {} if name is None else {"name": name}
    return MultiTaskModel(
        inputs, outputs, tasks=tasks, sharing=architecture, **arguments
    )


def _check_inputs(inputs, task_names):
    names = [tensor.name for tensor in tree.flatten(inputs)]
    if not names:
        raise ValueError(
            f"A model needs at least one input. Received: inputs={inputs!r}"
        )
    for name in names:
        if name in task_names:
            raise ValueError(
                f"The input {name!r} has the name of a task, which is that of "
                "the task's last layer. Name the input otherwise. Received: "
                f"inputs {listed(names)}, tasks {listed(task_names)}"
            )


def default_head(features, task):
    """Builds the head of a task's kind.

    Args:
        features: Keras tensor.
        task: `Task` with a kind.

    Returns:
        Keras tensor, the output.
    """
    return task.head.build(features, task)


def checked_tasks(tasks, head) -> tuple[Task, ...]:
    """Checks tasks that heads are to be built for.

    Args:
        tasks: `Task`, or a sequence of them.
        head: Function of features and a `Task`, or `None` for the head of
            each task's kind.

    Returns:
        Tuple of `Task`.

    Raises:
        ValueError: If one is no `Task`, a name repeats, or a task has neither
            a kind nor `head`.
    """
    tasks = (tasks,) if isinstance(tasks, Task) else tasks
    if not isinstance(tasks, list | tuple) or not all(
        isinstance(task, Task) for task in tasks
    ):
        raise ValueError(
            "`tasks` must be a sequence of mtl_keras.Task. "
            f"Received: tasks={tasks!r}"
        )
    names = [task.name for task in tasks]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            "`tasks` must have at least one task, each with a name of its "
            f"own. Received: the names {names}"
        )
    if head is None:
        for task in tasks:
            if task.head is None:
                raise ValueError(
                    f"Task {task.name!r} has no kind, so it has no head. Give "
                    f"it a kind, or give `head`, a function of features and "
                    f"task. Received: tasks {listed(names)}"
                )
    return tuple(tasks)
