"""Predictions and labels as the second level of stacking reads them."""

import numpy as np

from mtl_keras import checks
from mtl_keras.ensemble import forms


def prediction(predictions, column, number: int, shape: tuple):
    """Reads what a member predicts for one task.

    Args:
        predictions: Dict of task name to array.
        column: `members.Column` of the task.
        number: Integer, the member.
        shape: Tuple, the shape of the member's output.

    Returns:
        float32 array.

    Raises:
        ValueError: If the task is missing, or the values do not fit.
    """
    name = column.task.name
    if not isinstance(predictions, dict) or name not in predictions:
        raise ValueError(
            f"Stacking needs predictions of the task {name!r} by each member. "
            f"Received: those of member {number} without it"
        )
    array = checks.array(f"predictions of {name}", predictions[name])
    array = array.astype(np.float32)
    if array.shape[-1:] != shape[-1:] or array.ndim != len(shape):
        raise ValueError(
            f"Predictions of the task {name!r} must have the shape {shape}. "
            f"Received: shape {array.shape} from member {number}"
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"Predictions of the task {name!r} must be finite. Received: NaN "
            f"or infinity from member {number}"
        )
    holds_probabilities = (
        column.kind in (forms.CLASSES, forms.BINARY)
        and not column.from_logits[number]
    )
    if holds_probabilities and (array.min() < 0 or array.max() > 1 + 1e-3):
        raise ValueError(
            f"Predictions of the task {name!r} must be probabilities. "
            f"Received: from {array.min():g} to {array.max():g}, member "
            f"{number}. Of logits, compile the member with the loss."
        )
    return array


def read_labels(task, labels, kind: str, shape) -> tuple:
    """Reads labels as the second level does.

    Args:
        task: `Task` of a model, with the label that its loss reads.
        labels: Array of shape `(examples, ...)`.
        kind: String, as of `forms.Form`.
        shape: Tuple, the predictions' shape.

    Returns:
        Pair of arrays: labels as class numbers, 0 and 1, or numbers, and
        booleans, whether each is present; of classes of the predictions'
        shape without its last axis, of others of the predictions' shape.

    Raises:
        ValueError: If labels are illegal or do not fit.
    """
    labels = np.asarray(labels)
    task.label.check_array(task.name, labels)
    present = np.broadcast_to(task.label.present(labels), labels.shape)
    expected = tuple(shape)
    if kind == forms.CLASSES:
        if task.label.rule == "one_hot":
            labels, present = labels.argmax(-1), present.any(-1)
        expected = expected[:-1]
    if labels.size != int(np.prod((len(labels), *expected[1:]))):
        raise ValueError(
            f"Labels of the task {task.name!r} do not fit the predictions. "
            f"Received: labels of shape {labels.shape}, predictions of shape "
            f"{tuple(shape)}"
        )
    expected = (len(labels), *expected[1:])
    return labels.reshape(expected), np.array(present).reshape(expected)
