"""Labels and predictions of several tasks as columns."""

import numpy as np

from mtl_keras import checks
from mtl_keras.messages import listed

_SMALLEST = 1e-7


def num_classes(task) -> int:
    """Returns the number of values of a task's label."""
    return task.num_classes if task.kind == "classification" else 2


def class_numbers(labels: dict, tasks) -> np.ndarray:
    """Reads labels of several tasks.

    Args:
        labels: Dict of task name to array of shape `(examples,)` or
            `(examples, 1)`.
        tasks: Sequence of `Task`.

    Returns:
        int64 array of shape `(examples, tasks)`; -1 where missing.

    Raises:
        ValueError: If a task has no labels, they are illegal, or the lengths
            differ.
    """
    columns = []
    for task in tasks:
        if not isinstance(labels, dict) or task.name not in labels:
            names = labels if isinstance(labels, dict) else ()
            raise ValueError(
                f"`labels` must be a dict with the task {task.name!r}. "
                f"Received: labels of {listed(names)}"
            )
        array = np.asarray(labels[task.name])
        if array.ndim not in (1, 2) or array.shape[1:] not in ((), (1,)):
            raise ValueError(
                f"Labels of {task.name!r} must be of shape (examples,) or "
                f"(examples, 1). Received: shape {array.shape}. Of one-hot "
                "labels take argmax(-1)."
            )
        array = array.reshape(len(array))
        task.label.check_array(task.name, array)
        present = task.label.present(array)
        columns.append(np.where(present, array, -1).astype(np.int64))
    lengths = {len(column) for column in columns}
    if len(lengths) != 1:
        raise ValueError(
            "Labels must be of the same examples. Received: lengths "
            f"{sorted(lengths)}"
        )
    return np.stack(columns, axis=1)


def _range(array) -> str:
    return f", from {array.min():g} to {array.max():g}" if array.size else ""


def log_probabilities(task, predictions) -> np.ndarray:
    """Reads the predictions of one task.

    Args:
        task: `Task` of kind `"classification"` or `"presence"`.
        predictions: Dict of task name to probabilities.

    Returns:
        float64 array of shape `(examples, classes)`, logarithms.

    Raises:
        ValueError: If they are missing or are no probabilities.
    """
    if not isinstance(predictions, dict) or task.name not in predictions:
        names = predictions if isinstance(predictions, dict) else ()
        raise ValueError(
            "`predictions` must be a dict with the task "
            f"{task.name!r}. Received: those of {listed(names)}"
        )
    array = checks.array(f"predictions of {task.name}", predictions[task.name])
    array = array[:, None] if array.ndim == 1 else array
    width = task.num_classes if task.kind == "classification" else 1
    is_legal = array.ndim == 2 and array.shape[1] == width
    if is_legal and array.size:
        is_legal = bool(((array >= 0) & (array <= 1 + 1e-5)).all())
        if task.kind == "classification":
            # Half precision has three digits.
            is_legal &= bool((np.abs(array.sum(1) - 1.0) < 1e-2).all())
    if not is_legal:
        raise ValueError(
            f"Predictions of {task.name!r} must be probabilities of shape "
            f"(examples, {width}), of several classes with sum 1. Received: "
            f"shape {array.shape}{_range(array)}"
        )
    if task.kind == "presence":
        array = np.concatenate([1.0 - array, array], axis=1)
    return np.log(array * (1 - 2 * _SMALLEST) + _SMALLEST)
