"""Dice loss of masks (Milletari et al., 3DV 2016)."""

import keras
from keras import ops

from mtl_keras import checks
from mtl_keras.losses import coupling, overlap
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class DiceLoss(Loss):
    """What the overlap of masks lacks to 1, image by image.

    With `y` the labels in {0, 1} and `p` the probabilities of the pixels of
    one image that have a label (https://arxiv.org/abs/1606.04797, section 3):

        dice = (2 * sum(p * y) + s) / (sum(p) + sum(y) + s)
        loss = 1 - dice

    For classes it is the mean over the classes. The loss of a batch is the
    mean over its images that have any label.

    Each pixel has a value, its own share of the loss times the number of
    labelled pixels an image, so that pixels may be missing and the mean of
    the values is the loss.

    Masks of shape `(batch, ...)` or `(batch, ..., 1)` with predictions of
    shape `(batch, ..., 1)`, or of the masks' shape; or class numbers of shape
    `(batch, ...)` with predictions of shape `(batch, ..., num_classes)`.
    Values have the masks' shape without an axis of 1 at its end.

    Args:
        smoothing: Float, at least 0; `s` above. With 0 an image without any
            positive pixel has the loss 1 whatever is predicted. Defaults
            to 1.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"dice"`.

    Note:
        The paper squares `p` and `y` in the denominator; without squares the
        loss is one minus the F1 of probabilities that are 0 or 1 either way,
        and its gradient does not vanish at `p = 0`.
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
        """Computes each pixel's share of the loss.

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
        missed, size, kept = overlap.misses(self.name, y_true, y_pred, present)
        pixels = tuple(range(1, len(kept.shape)))
        of = size if not pixels else ops.sum(size, axis=pixels, keepdims=True)
        share = ops.mean(coupling.ratio(missed, of + self.smoothing), axis=-1)
        has_label = ops.any(kept, axis=pixels) if pixels else kept
        return share * coupling.count(kept) / coupling.count(has_label)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "smoothing": self.smoothing}
