"""Sums over the pixels of each image, for means over images."""

from keras import ops


def pixel_axes(values) -> tuple[int, ...]:
    """Returns all axes behind the first of `(batch, ...)`."""
    return tuple(range(1, len(values.shape)))


def per_image(values, weight):
    """Sums weighted values over the pixels of each image.

    Args:
        values: float32 tensor of shape `(batch, ...)`; may be NaN where the
            weight is 0.
        weight: float32 tensor of the same shape.

    Returns:
        float32 tensor of shape `(batch,)`.
    """
    weighted = weight * ops.where(weight > 0, values, 0.0)
    axes = pixel_axes(values)
    return ops.sum(weighted, axis=axes) if axes else weighted


def image_weight(weight):
    """Returns the greatest weight of each image's pixels, `(batch,)`."""
    axes = pixel_axes(weight)
    return ops.max(weight, axis=axes) if axes else weight
