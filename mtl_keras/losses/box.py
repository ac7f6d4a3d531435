"""The default loss of boxes: coordinates and overlap together."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.losses.giou import giou_loss
from mtl_keras.losses.huber import elementwise
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class BoxLoss(Loss):
    """Weighted sum of the Huber loss of the corners and `1 - GIoU`.

        loss = huber_weight * mean(huber(y_pred - y_true, delta))
             + giou_weight * (1 - GIoU(y_true, y_pred))

    The overlap is the metric of boxes; the corners give a gradient where boxes
    do not overlap and keep boxes from inverting. Carion et al., ECCV 2020
    (https://arxiv.org/abs/2005.12872, equation 9) sum coordinates and overlap
    in the same way, with an absolute error instead of the Huber loss.

    Boxes are `x1, y1, x2, y2` in [0, 1] of the image, of shape `(..., 4)`;
    values have shape `(...)`.

    Args:
        huber_weight: Float, at least 0. Defaults to 20: with the default
            `delta` large errors cost nearly `2 * mean(abs(error))`.
        giou_weight: Float, at least 0. Defaults to 1.
        delta: Float above 0, as a fraction of the image: the error above which
            the Huber loss is linear. Defaults to 0.1.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"box"`.

    Raises:
        ValueError: If a number is out of range, or both weights are 0.
    """

    def __init__(
        self,
        huber_weight: float = 20.0,
        giou_weight: float = 1.0,
        delta: float = 0.1,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "box",
    ):
        super().__init__(reduction=reduction, name=name)
        self.huber_weight = checks.number("huber_weight", huber_weight, low=0)
        self.giou_weight = checks.number("giou_weight", giou_weight, low=0)
        self.delta = checks.number("delta", delta, above=0)
        if not (self.huber_weight or self.giou_weight):
            raise ValueError(
                "BoxLoss: `huber_weight` or `giou_weight` must be above 0. "
                "Received: huber_weight=0, giou_weight=0"
            )

    def call(self, y_true, y_pred):
        """Computes a value for each box.

        Args:
            y_true: Tensor of boxes, shape `(..., 4)`.
            y_pred: Tensor of boxes, shape `(..., 4)`.

        Returns:
            float32 tensor of shape `(...)`.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.boxes(self.name, y_true, y_pred)
        huber = ops.mean(elementwise(y_true, y_pred, self.delta), axis=-1)
        overlap = giou_loss(y_true, y_pred)
        return self.huber_weight * huber + self.giou_weight * overlap

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "huber_weight": self.huber_weight,
            "giou_weight": self.giou_weight,
            "delta": self.delta,
        }
