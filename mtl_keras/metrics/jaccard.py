"""Jaccard index: overlap of labelled and predicted classes, also mask IoU."""

import keras
from keras import ops

from mtl_keras.metrics.f1 import F1


@keras.saving.register_keras_serializable(package="mtl_keras")
class Jaccard(F1):
    """Intersection over union, from counts over all labels seen.

        jaccard = true_positives / (labelled + predicted - true_positives)

    (Jaccard, New Phytologist 11, 1912.) With `num_classes` and "macro" it is
    the mean over the classes that occur, which for masks is called mIoU. Of a
    mask each pixel is a label, and all images are counted together; `Dice` is
    a mean over images. All else is as in `F1`; these are scikit-learn's
    definitions of `jaccard_score`.

    Args:
        num_classes: Integer, at least 2, or `None` for binary labels.
        average: `"macro"` or `"micro"`. Defaults to `"macro"`.
        threshold: Float, for binary labels. Defaults to 0.5, for probabilities;
            use 0 for logits.
        name: String. Defaults to `"jaccard"`.
        dtype: Accepted for Keras compatibility; counts are float32.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        average: str = "macro",
        threshold: float = 0.5,
        name: str = "jaccard",
        dtype=None,
    ):
        super().__init__(num_classes, average, threshold, name, dtype)

    def ratio(self, true_positives, positives):
        """Divides the intersection by the union; 0 where it is empty."""
        union = ops.subtract(positives, true_positives)
        return ops.divide_no_nan(true_positives, union)
