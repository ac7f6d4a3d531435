"""Matches labels, weights and masks to predictions by their shapes."""

from keras import ops


def as_tensors(y_true, y_pred):
    """Makes tensors of both; the prediction as float32."""
    y_true = ops.convert_to_tensor(y_true)
    y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
    return y_true, y_pred


def is_binary(y_true, y_pred) -> bool:
    """Does each prediction answer yes or no?

    Args:
        y_true: Tensor of labels.
        y_pred: Tensor of predictions.

    Returns:
        `True` where the predictions end in an axis of 1, have no axis beside
        the batch, or have the shape of the labels (several labels, each yes
        or no). `False` where their last axis runs over classes.
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
        Tuple of two tensors of one shape. Where the predictions have a last
        axis of 1 beside the batch, it is gone from both.

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


def class_numbers(name: str, y_true, y_pred):
    """Reads labels as class numbers, one for each row of predictions.

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
    return ops.cast(true, "int32")


def class_shares(name: str, y_true, y_pred):
    """Reads labels as a share of each class: one-hot, or given as such.

    Args:
        name: String, the loss, for the error.
        y_true: Integer tensor of shape `(...)` or `(..., 1)`, or float tensor
            of the predictions' shape.
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
    """Checks that both are boxes, and casts them to float32.

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
    """Can two shapes be equal? An unknown size fits any."""
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


def align(weights, values, name: str, *, what: str):
    """Gives weights the shape of loss values, label by label.

    Args:
        weights: Tensor of shape `(batch,)`, of the values' shape, or with
            axes of the label that the loss has reduced (a mask then asks for
            all of them).
        values: Tensor of unreduced loss values, `(batch, ...)`.
        name: String, the task, for the error.
        what: String, what the weights are, for the error.

    Returns:
        float32 tensor that multiplies `values` element by element.

    Raises:
        ValueError: If the shapes cannot be matched; at trace time.
    """
    rank = len(values.shape)
    while len(weights.shape) > rank and weights.shape[-1] == 1:
        weights = ops.squeeze(weights, axis=-1)
    if len(weights.shape) > rank:
        if what != "mask":
            raise ValueError(
                f"Task {name!r} has one loss value for each label of shape "
                f"{tuple(values.shape)}; {what} must have that shape or one "
                f"value an example. Received: {what} of shape "
                f"{tuple(weights.shape)}"
            )
        axes = tuple(range(rank, len(weights.shape)))
        weights = ops.all(weights, axis=axes)
    weights = ops.cast(weights, "float32")
    while len(weights.shape) < rank:
        weights = ops.expand_dims(weights, axis=-1)
    _check_sizes(weights, values, name, what)
    if tuple(weights.shape) != tuple(values.shape):
        weights = ops.broadcast_to(weights, ops.shape(values))
    return weights


def metric_weights(name: str, sample_weight, values):
    """Gives weights the shape of values, one for each label.

    Args:
        name: String, the metric, for the error.
        sample_weight: `None` for 1 everywhere; or tensor of shape `(batch,)`
            or of the values' shape; either may have an axis of 1 more.
        values: Tensor of shape `(batch, ...)`.

    Returns:
        float32 tensor of the values' shape; 0 leaves a label out.

    Raises:
        ValueError: If the shapes do not fit.
    """
    if sample_weight is None:
        return ops.ones_like(values, dtype="float32")
    weight = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    rank = len(values.shape)
    while len(weight.shape) > 1 and weight.shape[-1] == 1:
        weight = ops.squeeze(weight, axis=-1)
    is_fitting = fits(weight.shape, values.shape[: len(weight.shape)])
    if len(weight.shape) > rank or not is_fitting:
        raise ValueError(
            f"Metric {name!r} expects `sample_weight` of shape (batch,) or "
            f"{tuple(values.shape)}. Received: sample_weight of shape "
            f"{tuple(sample_weight.shape)}"
        )
    while len(weight.shape) < rank:
        weight = ops.expand_dims(weight, axis=-1)
    return weight * ops.ones_like(values, dtype="float32")


def weighted_sum(values, weight):
    """Sums weighted values; what has no weight may be NaN.

    Args:
        values: Tensor of any number type, or boolean.
        weight: float32 tensor of the same shape.

    Returns:
        float32 scalar.
    """
    values = ops.where(weight > 0, ops.cast(values, "float32"), 0.0)
    return ops.sum(weight * values)


def _check_sizes(weights, values, name, what):
    for size, wanted in zip(weights.shape, values.shape, strict=True):
        if size is None or wanted is None or size in (1, wanted):
            continue
        raise ValueError(
            f"Task {name!r} expects {what} of shape {tuple(values.shape)}. "
            f"Received: {what} of shape {tuple(weights.shape)}"
        )
