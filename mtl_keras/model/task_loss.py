"""The loss of one task in one batch, and of all tasks."""

from typing import NamedTuple

from keras import ops

from mtl_keras import compat, engine, losses
from mtl_keras.model.batch_labels import BatchLabels
from mtl_keras.shapes import align


class TaskLosses(NamedTuple):
    """The losses of a batch; each field is a vector over the trained tasks.

    Each member of a group is a task.

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
        prediction: Tensor, the task's output. Labels that its Keras mask
            leaves out do not count.
        weight: Tensor of sample weights, or `None`.
        class_table: List of floats, a weight for each class, or `None`.

    Attributes:
        total: float32 scalar, the sum of the weighted loss values.
        count: float32 scalar, the number of labels that count; the sum of
            their weights where the loss has the reduction
            `"mean_with_sample_weight"`.
        num_invalid: float32 scalar, the number of illegal labels.
    """

    def __init__(self, task, loss, label, prediction, weight, class_table):
        if label is None:
            # Not 0 times the output: an infinite derivative in the head would
            # make that NaN. The engine gives the head a gradient of zeros.
            self.total = self.count = self._nothing(task)
            self.num_invalid = self.total
            return
        mask = compat.get_mask(prediction)
        labels = BatchLabels(task, label, weight, mask)
        # A label without weight must not move other labels' loss values.
        coupled = labels.counted if losses.couples_labels(loss) else None
        prediction = _where_counted(labels.counted, prediction)
        values = losses.values(loss, labels.filled, prediction, coupled)
        if mask is not None and len(mask.shape) > len(values.shape):
            raise ValueError(
                f"The output of task {task.name!r} has a Keras mask of shape "
                f"{tuple(mask.shape)}, so its loss must return a value for "
                "each of its elements. Received: values of shape "
                f"{tuple(values.shape)}. Give labels the output's shape."
            )
        counted = align(labels.counted, values, task.name, what="mask")
        own_mask = compat.get_mask(values)
        if own_mask is not None:
            # A loss leaves labels out itself, such as by `ignore_class`.
            counted = counted * align(
                own_mask, values, task.name, what="mask of the loss"
            )
        weights = counted
        if class_table is not None:
            weights = weights * align(
                self._class_weights(task.label, labels.filled, class_table),
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
        self.num_invalid = self._sum(task, labels.illegal)
        # An infinite value of a label that does not count, times 0, is NaN.
        is_read = weights != 0
        values = ops.where(is_read, values, 0.0) * weights
        self.total = self._sum(task, values)
        reduction = getattr(loss, "reduction", None)
        by_weight = reduction == "mean_with_sample_weight"
        self.count = self._sum(task, weights if by_weight else counted)

    def _nothing(self, task):
        return ops.zeros((), "float32")

    def _sum(self, task, values):
        return ops.sum(values)

    def _class_weights(self, spec, label, table):
        """Gives each label the weight of its class, a soft one its nearest's.

        Args:
            spec: `LabelSpec`.
            label: Tensor of labels, missing ones filled.
            table: As `class_table`.
        """
        table = ops.convert_to_tensor(table, dtype="float32")
        return ops.take(table, nearest_class(spec, label))


def _where_counted(counted, prediction):
    """Replaces the predictions of labels that do not count by a constant.

    A loss may have an infinite derivative at such a prediction, and a weight
    of 0 would make it NaN for all examples.

    Args:
        counted: Boolean tensor of the labels' shape, `(batch, *label)`.
        prediction: Tensor, the task's output.

    Returns:
        Tensor of the shape of `prediction`. Where labels are no elements of
        the output, such as times of survival, those of examples without any
        label are replaced.
    """
    rank = len(prediction.shape)
    if len(counted.shape) > rank:
        counted = ops.any(counted, axis=tuple(range(rank, len(counted.shape))))
    while len(counted.shape) < rank:
        counted = ops.expand_dims(counted, axis=-1)
    sizes = zip(counted.shape[1:], prediction.shape[1:], strict=True)
    if not all(a == b or a == 1 for a, b in sizes):
        axes = tuple(range(1, rank))
        counted = ops.any(counted, axis=axes, keepdims=True)
    # 0.5 is inside the domain of probabilities and of numbers.
    return compat.where_keeping_logits(counted, prediction, 0.5)


def nearest_class(spec, label):
    """Returns the number of each label's class, of a soft one the nearest."""
    if spec.rule == "one_hot":
        return ops.argmax(label, axis=-1)
    return ops.cast(ops.round(label), "int32")


def combined(batches) -> TaskLosses:
    """Brings the tasks' losses of a batch together, over all replicas.

    Args:
        batches: Iterable of `LabelledBatch`, one for each trained task.

    Returns:
        `TaskLosses`, in the same order.
    """
    batches = list(batches)
    totals = _vector([batch.total for batch in batches])
    counts = _vector([batch.count for batch in batches])
    num_invalid = _vector([batch.num_invalid for batch in batches])
    (whole,) = engine.sum_over_replicas([counts])
    # Without a label, an infinite loss value times 0 is NaN.
    totals = ops.where(counts != 0, totals, 0.0)
    # Not a maximum with 1: weights may add up to less.
    shares = totals / ops.where(whole == 0, 1.0, whole)
    (means,) = engine.sum_over_replicas([ops.stop_gradient(shares)])
    present = ops.cast(whole != 0, "float32")
    return TaskLosses(totals, counts, num_invalid, shares, means, present)


def _vector(values):
    if all(value.shape == () for value in values):
        return ops.stack(values)
    return ops.concatenate([ops.reshape(value, (-1,)) for value in values])
