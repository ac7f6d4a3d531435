"""One task's labels in one batch: what they weigh and what they cost."""

from typing import NamedTuple

from keras import ops

from mtl_keras import losses
from mtl_keras.shapes import align


class TaskLosses(NamedTuple):
    """The losses of a batch, a vector over the trained tasks each.

    Args:
        totals: float32 tensor, this replica's sums of weighted loss values.
        counts: float32 tensor, over how many labels.
        num_invalid: float32 tensor, the labels that are no legal answer.
        shares: float32 tensor, this replica's shares of the mean losses.
        losses: float32 tensor, the means over the labels of all replicas.
        present: float32 tensor, 0 for a task without labels in the batch.
    """

    totals: object
    counts: object
    num_invalid: object
    shares: object
    losses: object
    present: object


class LabelledBatch:
    """The sum of a task's loss over a batch, and over how many labels.

    Args:
        task: `Task`.
        loss: Loss object or function.
        label: Tensor of shape `(batch, *label)`, or `None` where the batch
            has no labels of this task.
        prediction: Tensor, the task's output.
        weight: Tensor of sample weights, or `None`.
        class_table: List of floats, a weight for each class, or `None`.

    Attributes:
        total: float32 scalar, the sum of the weighted loss values.
        count: float32 scalar, the labels present with a weight other than 0.
        num_invalid: float32 scalar, the labels that are no legal answer.
    """

    def __init__(self, task, loss, label, prediction, weight, class_table):
        zero = ops.zeros((), "float32")
        self.total = self.count = self.num_invalid = zero
        if label is None:
            # Zero, but connected: its head gets a zero gradient, not none.
            none = ops.zeros_like(prediction, dtype="bool")
            kept = ops.where(none, prediction, ops.zeros_like(prediction))
            self.total = ops.cast(ops.sum(kept), "float32")
            return
        spec = task.label
        label = ops.convert_to_tensor(label)
        present, invalid = usable_labels(spec, label)
        if spec.rule is not None:
            invalid = ops.any(invalid, axis=-1)
        self.num_invalid = ops.sum(ops.cast(invalid, "float32"))
        filled = spec.fill(label, present)
        coupled = None
        if losses.couples_labels(loss):
            coupled = _counting(present, weight, task.name)
        values = losses.values(loss, filled, prediction, coupled)
        counted = align(present, values, task.name, what="mask")
        weights = counted
        if class_table is not None:
            table = ops.convert_to_tensor(class_table, dtype="float32")
            if spec.rule == "one_hot":
                shares = ops.cast(filled, "float32")
                chosen = ops.sum(shares * table, axis=-1)
            else:
                chosen = ops.take(table, ops.cast(filled, "int32"))
            chosen = align(chosen, values, task.name, what="class_weight")
            weights = weights * chosen
        if weight is not None:
            weight = align(
                ops.convert_to_tensor(weight),
                values,
                task.name,
                what="sample_weight",
            )
            counted = counted * ops.cast(weight != 0, "float32")
            weights = weights * weight
        self.total = ops.sum(values * weights)
        self.count = ops.sum(counted)


def _counting(present, weight, name):
    """Tells which labels count, of the label's shape.

    A weight of 0 is a missing label; a loss that couples labels must know
    both, or a label without weight would still move the others' values.
    """
    if weight is None:
        return present
    weight = align(
        ops.convert_to_tensor(weight), present, name, what="sample_weight"
    )
    return ops.logical_and(present, weight != 0)


def usable_labels(spec, label) -> tuple:
    """Tells which labels a loss can read.

    An illegal label is counted, and the model raises soon after; until then it
    must not reach a loss, which may stop the process in words of its own.

    Args:
        spec: `LabelSpec` of the task.
        label: Tensor of shape `(batch, *label)`.

    Returns:
        Two boolean tensors of `label`'s shape: present and legal; present and
        illegal.
    """
    invalid = spec.invalid(label)
    usable = ops.logical_and(spec.present(label), ops.logical_not(invalid))
    return usable, invalid


def class_numbers(spec, label):
    """Reads one-hot labels as class numbers, which our own metrics take.

    Args:
        spec: `LabelSpec` of the task.
        label: Tensor of shape `(batch, *label)`.

    Returns:
        int32 tensor without the last axis where `label` is one-hot, else
        `label`.
    """
    if spec.rule != "one_hot":
        return label
    return ops.cast(ops.argmax(label, axis=-1), "int32")


def metric_weights(spec, present, given) -> tuple:
    """Weighs the labels of a batch for metrics.

    Args:
        spec: `LabelSpec` of the task.
        present: Boolean tensor of the label's shape.
        given: Tensor of sample weights, or `None`.

    Returns:
        Two float32 tensors: 1 where a label counts and 0 where it is missing
        or has the weight 0; and the same times the sample weights.
    """
    if spec.rule is not None:
        present = ops.all(present, axis=-1)
    present = ops.cast(present, "float32")
    if given is None:
        return present, present
    given = ops.cast(ops.convert_to_tensor(given), "float32")
    while len(given.shape) > len(present.shape) and given.shape[-1] == 1:
        given = ops.squeeze(given, axis=-1)
    while len(given.shape) < len(present.shape):
        given = ops.expand_dims(given, axis=-1)
    return present * ops.cast(given != 0, "float32"), present * given
