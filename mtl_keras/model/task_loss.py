"""The loss of one task in one batch, and of all tasks."""

from typing import NamedTuple

from keras import ops

from mtl_keras import losses
from mtl_keras.model.batch_labels import BatchLabels
from mtl_keras.shapes import align


class TaskLosses(NamedTuple):
    """The losses of a batch; each field is a vector over the trained tasks.

    Args:
        totals: float32 tensor, this replica's sums of weighted loss values.
        counts: float32 tensor, this replica's numbers of labels that count.
        num_invalid: float32 tensor, this replica's numbers of illegal labels.
        shares: float32 tensor, this replica's parts of the mean losses.
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
        count: float32 scalar, the number of labels that count.
        num_invalid: float32 scalar, the number of illegal labels.
    """

    def __init__(self, task, loss, label, prediction, weight, class_table):
        if label is None:
            self.count = self.num_invalid = ops.zeros((), "float32")
            # Zero, but connected: the head gets a zero gradient, not none.
            nowhere = ops.zeros_like(prediction, dtype="bool")
            zeros = ops.where(nowhere, prediction, ops.zeros_like(prediction))
            self.total = ops.cast(ops.sum(zeros), "float32")
            return
        labels = BatchLabels(task, label, weight)
        # A label without weight must not move other labels' loss values.
        coupled = labels.counted if losses.couples_labels(loss) else None
        values = losses.values(loss, labels.filled, prediction, coupled)
        counted = align(labels.counted, values, task.name, what="mask")
        weights = counted
        if class_table is not None:
            weights = weights * align(
                _class_weights(task.label, labels.filled, class_table),
                values,
                task.name,
                what="class_weight",
            )
        if weight is not None:
            weights = weights * align(
                ops.convert_to_tensor(weight),
                values,
                task.name,
                what="sample_weight",
            )
        self.num_invalid = labels.num_illegal
        self.total = ops.sum(values * weights)
        self.count = ops.sum(counted)


def _class_weights(spec, label, table):
    table = ops.convert_to_tensor(table, dtype="float32")
    if spec.rule == "one_hot":
        return ops.sum(ops.cast(label, "float32") * table, axis=-1)
    return ops.take(table, ops.cast(label, "int32"))
