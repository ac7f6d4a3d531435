"""Loss of maps of centres and boxes (TTFNet, Liu et al., AAAI 2020)."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.losses import probability
from mtl_keras.losses.giou import giou_loss
from mtl_keras.losses.loss import Loss

# Standard deviation of an object's Gaussian as a fraction of its box: alpha /
# 6 with the paper's alpha = 0.54.
_SPREAD = 0.09
# Positions where the Gaussian is lower do not predict the object's box.
_LOWEST = 0.05
_EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="mtl_keras")
class CenterBoxes(Loss):
    r"""Compares maps of centres and boxes with the objects of an image.

    For an object with the centre `c` and a box of width `w` and height `h`,
    the target at a position `p` is (https://arxiv.org/abs/1909.00700,
    section 3)

        k(p) = exp(-(p_x - c_x)**2 / (2 (0.09 w)**2)
                   -(p_y - c_y)**2 / (2 (0.09 h)**2))

    with `c` moved to the middle of its position, so that one target is exactly
    1. The target `t` of a class is the highest `k` of its objects. With the
    probability `q` of a class at a position, the first part is the focal loss
    of CornerNet (Law and Deng, ECCV 2018, https://arxiv.org/abs/1808.01244):

        -(1 - q)**2 log(q)                 where t = 1
        -(1 - t)**4 q**2 log(1 - q)        elsewhere

    The second part is `1 - GIoU` of the boxes at the positions where `k` of an
    object is above 0.05, weighted by `k`; each object has the same weight, and
    where several overlap the smallest is meant. Both are divided by the number
    of objects, or by 1 without any.

    Labels: `(batch, objects, 5)`, `x1, y1, x2, y2` in [0, 1] and the class
    number, -1 for no object. Predictions: `(batch, rows, columns, num_classes
    + 4)`, the probabilities and `x1, y1, x2, y2`. Values: `(batch,)`.

    Args:
        box_weight: Float, at least 0, the weight of the second part. Defaults
            to 5, the paper's.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"center_boxes"`.

    Note:
        The paper weights an object's positions by the logarithm of its area
        as well, and divides by the objects of the batch, not of the image.
    """

    def __init__(
        self,
        box_weight: float = 5.0,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "center_boxes",
    ):
        super().__init__(reduction=reduction, name=name)
        self.box_weight = checks.number("box_weight", box_weight, low=0)

    def call(self, y_true, y_pred):
        """Computes a value for each image.

        Args:
            y_true: Tensor of objects, shape `(batch, objects, 5)`.
            y_pred: Tensor of maps, shape `(batch, rows, columns, num_classes +
                4)`.

        Returns:
            float32 tensor of shape `(batch,)`.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        _check_shapes(self.name, y_true, y_pred)
        y_true, y_pred = (
            ops.cast(y_true, "float32"),
            ops.cast(y_pred, "float32"),
        )
        batch = ops.shape(y_pred)[:-3]
        y_true = ops.reshape(y_true, (-1, *ops.shape(y_true)[-2:]))
        y_pred = ops.reshape(y_pred, (-1, *y_pred.shape[-3:]))
        box, number = y_true[..., :4], y_true[..., 4]
        kernel = _kernels(box, number >= 0.0, *y_pred.shape[1:3])
        count = ops.sum(ops.cast(number >= 0.0, "float32"), axis=1)
        centers = _focal(_targets(kernel, number, y_pred.shape[-1] - 4), y_pred)
        boxes = _overlap(kernel, box, y_pred[..., -4:])
        values = (centers + self.box_weight * boxes) / ops.maximum(count, 1.0)
        return ops.reshape(values, batch)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "box_weight": self.box_weight}


def _check_shapes(name, y_true, y_pred):
    is_right = (
        len(y_true.shape) > 2
        and len(y_pred.shape) == len(y_true.shape) + 1
        and y_true.shape[-1] == 5
        and shapes.fits(y_true.shape[:-2], y_pred.shape[:-3])
        and None not in y_pred.shape[-3:]
        and y_pred.shape[-1] > 4
    )
    if not is_right:
        raise ValueError(
            f"Loss {name!r} expects labels of shape (batch, objects, 5) and "
            "predictions of shape (batch, rows, columns, num_classes + 4). "
            f"Received: {shapes.received(y_true, y_pred)}"
        )


def _kernels(box, is_object, rows, columns):
    """Computes each object's Gaussian, `(batch, objects, rows, columns)`."""

    def along(low, high, size):
        # (batch, objects, size)
        centre = (low + high) / 2.0
        cell = ops.clip(ops.floor(centre * size), 0.0, size - 1.0)
        position = ops.arange(size, dtype="float32")
        distance = (position - ops.expand_dims(cell, -1)) / size
        spread = ops.maximum(_SPREAD * (high - low), _EPSILON)
        return -0.5 * ops.square(distance / ops.expand_dims(spread, -1))

    x = along(box[..., 0], box[..., 2], columns)
    y = along(box[..., 1], box[..., 3], rows)
    kernel = ops.exp(ops.expand_dims(x, -2) + ops.expand_dims(y, -1))
    there = ops.expand_dims(ops.expand_dims(is_object, -1), -1)
    return ops.where(there, kernel, 0.0)


def _targets(kernel, number, num_classes):
    """Takes the highest Gaussian of each class.

    One class at a time: all at once would be `num_classes` times the memory.

    Returns:
        Tensor `(batch, rows, columns, num_classes)`.
    """
    number = ops.expand_dims(ops.expand_dims(number, -1), -1)
    return ops.stack(
        [
            ops.max(ops.where(number == each, kernel, 0.0), axis=1)
            for each in range(num_classes)
        ],
        axis=-1,
    )


def _focal(target, maps):
    """Computes the focal loss of the centres, summed over the positions."""
    q = maps[..., :-4]
    positive = -ops.square(1.0 - q) * probability.log(q)
    negative = -ops.square(q) * probability.log(1.0 - q)
    negative = ops.power(1.0 - target, 4) * negative
    values = ops.where(target >= 1.0, positive, negative)
    return ops.sum(values, axis=(1, 2, 3))


def _overlap(kernel, box, predicted):
    """Computes `1 - GIoU`, the mean of an object's positions, summed."""
    area = (box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1])
    area = ops.expand_dims(ops.expand_dims(area, -1), -1)
    area = ops.where(kernel > _LOWEST, area, 9.0)
    smallest = ops.min(area, axis=1, keepdims=True, initial=9.0)
    # Of objects of equal area and place, the first.
    is_meant = ops.cast(
        ops.logical_and(area == smallest, area < 9.0), "float32"
    )
    is_meant = is_meant * ops.cast(
        ops.cumsum(is_meant, axis=1) <= 1.0, "float32"
    )
    weight = is_meant * kernel
    total = ops.sum(weight, axis=(2, 3), keepdims=True)
    weight = weight / ops.maximum(total, _EPSILON)
    target = ops.einsum("bmrc,bmk->brck", is_meant, box)
    is_some = ops.any(is_meant > 0.0, axis=1)
    target = ops.where(ops.expand_dims(is_some, -1), target, predicted)
    values = giou_loss(ops.stop_gradient(target), predicted)
    return ops.sum(values * ops.sum(weight, axis=1), axis=(1, 2))
