"""Brings sample weights to the shape of what they weight."""

from keras import ops

from mtl_keras.losses import shapes


def aligned(name: str, sample_weight, values):
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
    fits = shapes.fits(weight.shape, values.shape[: len(weight.shape)])
    if len(weight.shape) > rank or not fits:
        raise ValueError(
            f"Metric {name!r} expects `sample_weight` of shape (batch,) or "
            f"{tuple(values.shape)}. Received: sample_weight of shape "
            f"{tuple(sample_weight.shape)}"
        )
    while len(weight.shape) < rank:
        weight = ops.expand_dims(weight, axis=-1)
    return weight * ops.ones_like(values, dtype="float32")


def total(values, weight):
    """Sums weighted values; what has no weight may be NaN.

    Args:
        values: Tensor of any number type, or boolean.
        weight: float32 tensor of the same shape.

    Returns:
        float32 scalar.
    """
    values = ops.where(weight > 0, ops.cast(values, "float32"), 0.0)
    return ops.sum(weight * values)
