"""Generalized IoU loss (Rezatofighi et al., CVPR 2019)."""

import keras
from keras import ops

from mtl_keras import shapes
from mtl_keras.losses.loss import Loss

# The gradient of a quotient squares what it divides by, and a square below
# 1e-38 is 0 in float32.
_SMALLEST = 1e-18


@keras.saving.register_keras_serializable(package="mtl_keras")
class GIoU(Loss):
    """One minus the overlap of two boxes, or their distance if they have none.

    With `intersection`, `union` and `hull` (the smallest box around both) as
    areas (https://arxiv.org/abs/1902.09630, algorithm 1):

        GIoU = intersection / union - (hull - union) / hull
        loss = 1 - GIoU

    The loss lies in [0, 2], is symmetric, and does not depend on the boxes'
    scale: all lengths are divided by the hull's first.

    Boxes are `x1, y1, x2, y2` of shape `(..., 4)`, in any unit; values have
    shape `(...)`.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"giou"`.

    Note:
        The paper sorts the corners of an inverted box (`x2 < x1`). The mirror
        image of the true box is then a minimum, where training may stay. Here
        an inverted box has no area, the hull contains its corners, and with
        `back_x`, `back_y` the lengths by which it is inverted, as fractions of
        the hull's,

            loss = 2 - (union / hull) * (1 - (back_x + back_y) / 4)

        which agrees with the paper if a box has no width, and whose gradient
        opens an inverted or empty box. (Only if both boxes have no area is the
        loss constant: 2, or 0 if they are equal.)
    """

    default_name = "giou"

    def call(self, y_true, y_pred):
        """Computes a value for each box.

        Args:
            y_true: Tensor of boxes, shape `(..., 4)`.
            y_pred: Tensor of boxes, shape `(..., 4)`.

        Returns:
            float32 tensor of shape `(...)`, in [0, 2].

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.boxes(self.name, y_true, y_pred)
        return giou_loss(y_true, y_pred)


def giou_loss(box_true, box_pred):
    """Computes `1 - GIoU` of float32 boxes `(..., 4)`; see `GIoU`."""
    x = _fractions_of_hull(box_true, box_pred, 0, 2)
    y = _fractions_of_hull(box_true, box_pred, 1, 3)
    area_true, area_pred, intersection = (
        along_x * along_y for along_x, along_y in zip(x[:3], y[:3], strict=True)
    )
    # A quarter: with a half the gradient would vanish if a box is inverted
    # over the whole hull on both axes.
    upright_true, upright_pred = (
        1.0 - 0.25 * (back_x + back_y)
        for back_x, back_y in zip(x[3:], y[3:], strict=True)
    )
    union = area_true + area_pred - intersection
    # Both boxes far smaller than their hull: they cannot overlap.
    is_some = union > _SMALLEST
    iou = ops.where(is_some, intersection / ops.where(is_some, union, 1.0), 0.0)
    return 2.0 - iou - union * upright_true * upright_pred


def _fractions_of_hull(box_true, box_pred, first, second):
    """Measures one axis in lengths of the hull.

    Returns:
        Tuple of five tensors in [0, 1]: the lengths of the true box, of the
        predicted box and of their intersection; and the lengths by which the
        true and the predicted box are inverted.
    """
    low_true, high_true = box_true[..., first], box_true[..., second]
    low_pred, high_pred = box_pred[..., first], box_pred[..., second]
    hull = _greater(
        _greater(low_pred, high_pred), _greater(low_true, high_true)
    ) - _smaller(_smaller(low_true, high_true), _smaller(low_pred, high_pred))
    is_some = hull > _SMALLEST
    safe = ops.where(is_some, hull, 1.0)

    def fraction(length, of_empty_hull):
        # If the hull has no length, the boxes agree on this axis.
        return ops.where(is_some, length / safe, of_empty_hull)

    length_true = high_true - low_true
    length_pred = high_pred - low_pred
    overlap = _smaller(high_true, high_pred) - _greater(low_pred, low_true)
    return (
        fraction(_positive(length_true), 1.0),
        fraction(_positive(length_pred), 1.0),
        fraction(_positive(overlap), 1.0),
        fraction(_inverted(length_true), 0.0),
        fraction(_inverted(length_pred), 0.0),
    )


# Written out with `where`: at a tie `ops.maximum` sends its whole gradient to
# one argument on TensorFlow and half to each on JAX. Here `_greater` sends it
# to the second and `_smaller` to the first.


def _greater(a, b):
    return ops.where(a > b, a, b)


def _smaller(a, b):
    return ops.where(a <= b, a, b)


def _positive(length):
    return ops.where(length > 0.0, length, 0.0)


def _inverted(length):
    # The gradient at 0 is that of an inverted box, so that an empty one opens.
    return ops.where(length > 0.0, 0.0, -length)
