"""Matches labels, weights and masks to predictions by their shapes."""

from keras import ops


def as_tensors(y_true, y_pred):
    """Converts labels and predictions to tensors; predictions to float32."""
    y_true = ops.convert_to_tensor(y_true)
    y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
    return y_true, y_pred


def is_binary(y_true, y_pred) -> bool:
    """Checks whether each prediction is a decision between two classes.

    Args:
        y_true: Tensor of labels.
        y_pred: Tensor of predictions.

    Returns:
        `True` if the predictions end in an axis of 1, have no axis but the
        batch, or have the shape of the labels (several binary labels).
        `False` if their last axis runs over classes.
    """
    rank = len(y_pred.shape)
    if rank < 2 or y_pred.shape[-1] == 1:
        return True
    return len(y_true.shape) == rank and y_true.shape[-1] != 1


def paired(name: str, y_true, y_pred):
    """Gives labels and predictions of single numbers the same shape.

    Args:
        name: String, the loss or metric, for the error.
        y_true: Tensor of shape `(...)` or `(..., 1)`.
        y_pred: Tensor of shape `(...)` or `(..., 1)`.

    Returns:
        Tuple of two tensors of one shape. A last axis of 1 of the predictions,
        unless it is the batch, is removed from both.

    Raises:
        ValueError: If the shapes do not fit.
    """
    true, pred = y_true, y_pred
    if len(pred.shape) >= 2 and pred.shape[-1] == 1:
        if len(true.shape) == len(pred.shape) and true.shape[-1] == 1:
            true = ops.squeeze(true, axis=-1)
        pred = ops.squeeze(pred, axis=-1)
    if len(true.shape) == len(pred.shape) + 1 and true.shape[-1] == 1:
        true = ops.squeeze(true, axis=-1)
    if not fits(true.shape, pred.shape):
        raise ValueError(
            f"{name!r} expects labels of the predictions' shape; an axis of 1 "
            f"at the end may be missing in either. {received(y_true, y_pred)}"
        )
    return true, pred


def same_rank(y_true, y_pred):
    """Gives labels and predictions one rank, by the rule of Keras's losses.

    Without it `(batch,) - (batch, 1)` has the shape `(batch, batch)`.

    Args:
        y_true: Tensor of labels.
        y_pred: Tensor of predictions.

    Returns:
        Tuple of both. Where the ranks differ by one and the longer shape ends
        in 1: a tensor of the batch axis alone gets that axis, else the longer
        one loses it.
    """
    true_rank, pred_rank = len(y_true.shape), len(y_pred.shape)
    if true_rank == pred_rank + 1 and y_true.shape[-1] == 1:
        if pred_rank == 1:
            return y_true, ops.expand_dims(y_pred, axis=-1)
        return ops.squeeze(y_true, axis=-1), y_pred
    if pred_rank == true_rank + 1 and y_pred.shape[-1] == 1:
        if true_rank == 1:
            return ops.expand_dims(y_true, axis=-1), y_pred
        return y_true, ops.squeeze(y_pred, axis=-1)
    return y_true, y_pred


def in_rank_of(y_pred, y_true):
    """Gives labels the rank of the predictions where an axis of 1 differs.

    For losses and metrics that Keras calls with both as they are: their
    elements stay apart, so that any of them can be left out.

    Args:
        y_pred: Tensor of predictions.
        y_true: Tensor of labels.

    Returns:
        Tensor, the labels with or without an axis of 1 at the end.
    """
    true_rank, pred_rank = len(y_true.shape), len(y_pred.shape)
    if pred_rank == true_rank + 1 and y_pred.shape[-1] == 1:
        return ops.expand_dims(y_true, axis=-1)
    if true_rank == pred_rank + 1 and y_true.shape[-1] == 1:
        return ops.squeeze(y_true, axis=-1)
    return y_true


def class_numbers(name: str, y_true, y_pred):
    """Reads labels as class numbers, one for each vector of predictions.

    Args:
        name: String, the loss or metric, for the error.
        y_true: Tensor of shape `(...)` or `(..., 1)`.
        y_pred: Tensor of shape `(..., num_classes)`.

    Returns:
        int32 tensor of shape `(...)`.

    Raises:
        ValueError: If the shapes do not fit.
    """
    true = y_true
    if len(true.shape) == len(y_pred.shape) and true.shape[-1] == 1:
        true = ops.squeeze(true, axis=-1)
    if not fits(true.shape, y_pred.shape[:-1]):
        raise ValueError(
            f"{name!r} expects class numbers of shape (...) or (..., 1) for "
            "predictions of shape (..., num_classes). "
            f"{received(y_true, y_pred)}"
        )
    if None in true.shape[1:]:
        # An axis of 1 that is known in the step only would be broadcast.
        true = ops.reshape(true, ops.shape(y_pred)[:-1])
    return ops.cast(true, "int32")


def class_probabilities(name: str, y_true, y_pred):
    """Reads labels as a probability of each class.

    Args:
        name: String, the loss, for the error.
        y_true: Integer tensor of shape `(...)` or `(..., 1)`, which becomes
            one-hot, or float tensor of the predictions' shape.
        y_pred: Tensor of shape `(..., num_classes)`.

    Returns:
        float32 tensor of the predictions' shape.

    Raises:
        ValueError: If the shapes do not fit.
    """
    if len(y_pred.shape) < 2:
        raise ValueError(
            f"{name!r} expects predictions of shape (..., num_classes). "
            f"{received(y_true, y_pred)}"
        )
    if fits(y_true.shape, y_pred.shape) and y_true.shape[-1] not in (None, 1):
        return ops.cast(y_true, "float32")
    num_classes = y_pred.shape[-1]
    labels = class_numbers(name, y_true, y_pred)
    return ops.one_hot(labels, num_classes, dtype="float32")


def boxes(name: str, y_true, y_pred):
    """Checks that labels and predictions are boxes; casts both to float32.

    Args:
        name: String, the loss or metric, for the error.
        y_true: Tensor of shape `(..., 4)`.
        y_pred: Tensor of shape `(..., 4)`.

    Returns:
        Tuple of two float32 tensors.

    Raises:
        ValueError: If the shapes do not fit.
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    is_box = [t.shape and t.shape[-1] == 4 for t in (y_true, y_pred)]
    if not (all(is_box) and fits(y_true.shape, y_pred.shape)):
        raise ValueError(
            f"{name!r} expects boxes x1, y1, x2, y2: labels and predictions "
            f"of one shape (..., 4). {received(y_true, y_pred)}"
        )
    return ops.cast(y_true, "float32"), y_pred


def fits(shape, other) -> bool:
    """Checks whether two shapes can be equal. An unknown size fits any."""
    return len(shape) == len(other) and all(
        a is None or b is None or a == b
        for a, b in zip(shape, other, strict=True)
    )


def received(y_true, y_pred) -> str:
    """Writes both shapes, for an error."""
    return (
        f"Received: labels of shape {tuple(y_true.shape)}, predictions of "
        f"shape {tuple(y_pred.shape)}"
    )


def align(weights, values, name: str, *, what: str, owner: str = "Task"):
    """Gives weights the shape of loss or metric values, label by label.

    Args:
        weights: Tensor of shape `(batch,)`, of the values' shape, or of a
            shape that broadcasts to it behind the batch axis; axes of 1 at
            the end are ignored. A mask may also have axes of the label that
            the values have not, and then requires all their elements.
        values: Tensor of unreduced values, `(batch, ...)`.
        name: String, the task, loss or metric, for the error.
        what: String for the error: `"mask"`, `"sample_weight"` or
            `"class_weight"`.
        owner: String for the error, what `name` names. Defaults to `"Task"`.

    Returns:
        float32 tensor of the values' shape.

    Raises:
        ValueError: If the shapes cannot be matched; at trace time.
    """
    original_shape = tuple(weights.shape)
    rank = len(values.shape)
    while len(weights.shape) > rank and weights.shape[-1] == 1:
        weights = ops.squeeze(weights, axis=-1)
    if len(weights.shape) > rank and what == "mask":
        axes = tuple(range(rank, len(weights.shape)))
        weights = ops.all(weights, axis=axes)
    weights = ops.cast(weights, "float32")
    while len(weights.shape) < rank:
        weights = ops.expand_dims(weights, axis=-1)
    if not _broadcasts(weights.shape, values.shape):
        raise ValueError(
            f"{owner} {name!r} expects `{what}` of shape (batch,) or "
            f"{tuple(values.shape)}. Received: {what} of shape "
            f"{original_shape}"
        )
    if tuple(weights.shape) != tuple(values.shape):
        weights = ops.broadcast_to(weights, ops.shape(values))
    return weights


def metric_weights(name: str, sample_weight, values):
    """Gives each value of a metric a weight.

    Args:
        name: String, the metric, for the error.
        sample_weight: Tensor, see `align`, or `None` for 1 everywhere.
        values: Tensor of shape `(batch, ...)`.

    Returns:
        float32 tensor of the values' shape; 0 leaves a label out.

    Raises:
        ValueError: If the shapes do not fit.
    """
    if sample_weight is None:
        return ops.ones_like(values, dtype="float32")
    return align(
        ops.convert_to_tensor(sample_weight),
        values,
        name,
        what="sample_weight",
        owner="Metric",
    )


def vector_weights(sample_weight, vectors):
    """Reduces weights of a vector's elements to one weight for the vector.

    Args:
        sample_weight: Tensor of the vectors' shape, which is reduced to the
            least weight of each vector, or of another shape or `None`, which
            is returned unchanged.
        vectors: Tensor of shape `(..., size)`, such as boxes.

    Returns:
        Tensor of shape `(...)`, or `sample_weight`.
    """
    if sample_weight is None:
        return None
    sample_weight = ops.convert_to_tensor(sample_weight)
    if tuple(sample_weight.shape[-1:]) == (1,):
        return sample_weight
    if fits(sample_weight.shape, vectors.shape):
        return ops.min(sample_weight, axis=-1)
    return sample_weight


def weighted_sum(values, weight, num_columns: int | None = None):
    """Sums weighted values; a value of weight 0 may be NaN.

    Args:
        values: Tensor of any number type, or boolean.
        weight: float32 tensor of the same shape.
        num_columns: As of `column_sum`.

    Returns:
        float32 scalar, or vector of a sum for each column.
    """
    values = ops.where(weight > 0, ops.cast(values, "float32"), 0.0)
    return column_sum(weight * values, num_columns)


def column_sum(values, num_columns: int | None = None):
    """Sums all values, or those of each column.

    Args:
        values: Tensor; with columns, of shape `(batch, num_columns)`, or
            `(batch,)` for one column.
        num_columns: Integer, or `None` for the sum of all.

    Returns:
        Scalar, or tensor of shape `(num_columns,)`.
    """
    if num_columns is None:
        return ops.sum(values)
    return ops.sum(ops.reshape(values, (-1, num_columns)), axis=0)


def _broadcasts(shape, values_shape) -> bool:
    """Checks sizes; a batch of 1 weight is not a weight for any batch."""
    return len(shape) == len(values_shape) and all(
        size is None or wanted is None or size == wanted or (size == 1 and axis)
        for axis, (size, wanted) in enumerate(
            zip(shape, values_shape, strict=True)
        )
    )
