"""Dice loss of masks (Milletari et al., 3DV 2016)."""

import keras
from keras import ops

from mtl_keras import checks
from mtl_keras.losses import coupling, overlap
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class DiceLoss(Loss):
    """One minus the overlap of masks, image by image.

    With `y` the labels in {0, 1} and `p` the probabilities of the pixels of
    one image that have a label (https://arxiv.org/abs/1606.04797, section 3):

        dice = (2 * sum(p * y) + s) / (sum(p) + sum(y) + s)
        loss = 1 - dice

    For classes it is the mean over the classes. The loss of a batch is the
    mean over its images that have any label.

    The value of a pixel is its contribution to the loss, scaled so that the
    mean of the values over all labelled pixels is the loss.

    Masks of shape `(batch, ...)` or `(batch, ..., 1)` with predictions of
    shape `(batch, ..., 1)`, or of the masks' shape; or class numbers of shape
    `(batch, ...)` with predictions of shape `(batch, ..., num_classes)`.
    Values have the masks' shape without an axis of 1 at its end.

    Args:
        smoothing: Float, at least 0; `s` above. With 0, the loss of an image
            without positive pixels is 1 for every prediction. Defaults to 1.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"dice"`.

    Note:
        The paper squares `p` and `y` in the denominator; without squares the
        gradient does not vanish at `p = 0`. For probabilities of 0 or 1 both
        are one minus F1.
    """

    couples_labels = True

    def __init__(
        self,
        smoothing: float = 1.0,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "dice",
    ):
        super().__init__(reduction=reduction, name=name)
        self.smoothing = checks.number("smoothing", smoothing, low=0)

    def call(self, y_true, y_pred, present=None):
        """Computes each pixel's contribution to the loss.

        Args:
            y_true: Tensor of masks.
            y_pred: Tensor of probabilities.
            present: Boolean tensor of the masks' shape, `False` where a pixel
                has no label; `None` if all have.

        Returns:
            float32 tensor, see the class; 0 where a pixel has no label.

        Raises:
            ValueError: If the shapes do not fit.
        """
        missed, size, is_present = overlap.misses(
            self.name, y_true, y_pred, present
        )
        pixels = tuple(range(1, len(is_present.shape)))
        total = size
        has_label = is_present
        if pixels:
            total = ops.sum(size, axis=pixels, keepdims=True)
            has_label = ops.any(is_present, axis=pixels)
        contribution = ops.mean(
            coupling.ratio(missed, total + self.smoothing), axis=-1
        )
        num_pixels, num_images = map(coupling.count, (is_present, has_label))
        return contribution * num_pixels / num_images

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "smoothing": self.smoothing}
