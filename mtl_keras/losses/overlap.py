"""Soft counts of true and false predictions, for losses of overlap."""

from keras import ops

from mtl_keras import shapes
from mtl_keras.losses import coupling


def misses(name: str, y_true, y_pred, present):
    """Computes what each label and class contributes to a soft F1.

    With the soft counts of Milletari et al. (3DV 2016), a label `y` and a
    probability `p` add `p * y` to the true positives and `p + y` to the
    labelled and predicted positives, so that
    `1 - F1 = sum(p + y - 2 * p * y) / sum(p + y)`.

    Args:
        name: String, the loss, for the error.
        y_true: Tensor of labels: binary, or class numbers.
        y_pred: Tensor of probabilities.
        present: Boolean tensor of the label's shape, or `None`.

    Returns:
        Tuple of two float32 tensors of shape `(..., num_classes)`, with 1 for
        `num_classes` if labels are binary: `p + y - 2 * p * y` and `p + y`,
        both 0 where the label is missing; and of a boolean tensor of shape
        `(...)`, true where labels are present.

    Raises:
        ValueError: If the shapes do not fit.
    """
    y_true, y_pred = shapes.as_tensors(y_true, y_pred)
    if shapes.is_binary(y_true, y_pred):
        y, p = shapes.paired(name, y_true, y_pred)
        y = ops.expand_dims(ops.cast(y, "float32"), axis=-1)
        p = ops.expand_dims(p, axis=-1)
    else:
        y, p = shapes.class_probabilities(name, y_true, y_pred), y_pred
    is_present = coupling.mask(name, present, p[..., 0])
    by_class = ops.expand_dims(is_present, axis=-1)
    y = coupling.where_present(y, by_class)
    p = coupling.where_present(p, by_class)
    return p + y - 2.0 * p * y, p + y, is_present
