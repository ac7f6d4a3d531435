"""Checks of models whose graph is to be copied."""

from mtl_keras import compat
from mtl_keras.messages import did_you_mean, listed


def check_model(model, function: str) -> None:
    """Checks that a model is its graph, with named outputs.

    Args:
        model: What was received.
        function: String, the function that received it, for the error.

    Raises:
        ValueError: If it is no functional model with a flat dict of outputs,
            or its class computes something else than its graph.
    """
    from mtl_keras.model.model import MultiTaskModel

    expected = (
        f"`{function}` expects a functional model whose outputs are a flat "
        "dict of task name to tensor, such as a MultiTaskModel."
    )
    if not compat.is_functional(model):
        raise ValueError(
            f"{expected} Received: {_what(model)}, which has no graph of named "
            "outputs. Build MultiTaskModel(model.inputs, {'task': output})."
        )
    if not isinstance(model.output, dict) or any(
        not hasattr(tensor, "shape") for tensor in model.output.values()
    ):
        raise ValueError(
            f"{expected} Received: outputs of type "
            f"{type(model.output).__name__}"
        )
    is_ours = type(model).call is MultiTaskModel.call
    if not is_ours and compat.inner_graph(model) is None:
        raise ValueError(
            f"{expected} Received: a model of the class "
            f"{type(model).__name__}, whose own `call` may compute something "
            "else than its graph."
        )


def check_tasks(model, tasks, function: str) -> list[str]:
    """Checks names of a model's tasks.

    Args:
        model: Functional model with a flat dict of outputs.
        tasks: Sequence of strings, or `None` for all.
        function: String, the function that received them, for the error.

    Returns:
        List of strings.

    Raises:
        ValueError: If a name is no output of the model or repeats.
    """
    known = sorted(model.output)
    if tasks is None:
        return known
    is_sequence = isinstance(tasks, list | tuple) and tasks
    if not is_sequence or not all(isinstance(name, str) for name in tasks):
        raise ValueError(
            f"`{function}` expects a list of task names in `tasks`, at least "
            f"one. The model's tasks are {listed(known)}. "
            f"Received: tasks={_named(tasks)}"
        )
    for name in tasks:
        if name not in known:
            raise ValueError(
                f"Unknown task {name!r}.{_group_of(model, name)} Expected "
                f"some of {listed(known)}.{did_you_mean(name, known)} "
                f"Received: tasks={list(tasks)}"
            )
    if len(set(tasks)) < len(tasks):
        raise ValueError(
            "Each task can be named once in `tasks`. "
            f"Received: tasks={list(tasks)}"
        )
    return list(tasks)


def _named(tasks):
    if not isinstance(tasks, list | tuple):
        return repr(tasks)
    return [t if isinstance(t, str) else type(t).__name__ for t in tasks]


def _group_of(model, name) -> str:
    groups = getattr(model, "tasks", None) or {}
    for group in groups.values():
        if name in group.names:
            return f" It is a column of the output {group.name!r}, a group."
    return ""


def _what(model) -> str:
    name = type(model).__name__
    return f"the class {model.__name__}" if isinstance(model, type) else name
