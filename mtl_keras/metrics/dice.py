"""Overlap of masks."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.metrics import images
from mtl_keras.metrics.weighted_mean import WeightedMean


@keras.saving.register_keras_serializable(package="mtl_keras")
class Dice(WeightedMean):
    """Mean over images of the overlap of predicted and true masks.

        dice = 2 * true_positives / (labelled + predicted)

    counted over the labelled pixels of an image (Dice, Ecology 26, 1945). In
    binary masks a pixel is predicted positive where `prediction > threshold`;
    an image without positive pixels, labelled or predicted, counts 1. With
    classes the most probable one is predicted, and an image's value is the
    mean over the classes that occur in its labels or predictions. The mean is
    over images with a label; NaN if none was seen.

    Masks have shape `(batch, ...)`, an axis of 1 at the end may be missing;
    predictions of classes have shape `(batch, ..., num_classes)`.

    Args:
        threshold: Float, for binary masks. Defaults to 0.5, for probabilities;
            use 0 for logits.
        name: String. Defaults to `"dice"`.
        dtype: Accepted for Keras compatibility; sums are float32.
    """

    def __init__(self, threshold: float = 0.5, name: str = "dice", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.threshold = checks.number("threshold", threshold)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of masks.
            y_pred: Tensor of probabilities or logits.
            sample_weight: Tensor, one for each pixel or image; 0 leaves a
                pixel out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        if shapes.is_binary(y_true, y_pred):
            y, p = shapes.paired(self.name, y_true, y_pred)
            weight = shapes.metric_weights(self.name, sample_weight, p)
            overlap, size = _overlap(
                ops.cast(y, "float32") > 0.5, p > self.threshold, weight
            )
            dice = ops.where(size > 0, ops.divide_no_nan(overlap, size), 1.0)
        else:
            y = shapes.class_numbers(self.name, y_true, y_pred)
            weight = shapes.metric_weights(self.name, sample_weight, y)
            predicted = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
            parts = [
                _overlap(y == number, predicted == number, weight)
                for number in range(y_pred.shape[-1])
            ]
            overlap = ops.stack([part[0] for part in parts], axis=-1)
            size = ops.stack([part[1] for part in parts], axis=-1)
            occurs = ops.sum(ops.cast(size > 0, "float32"), axis=-1)
            by_class = ops.divide_no_nan(overlap, size)
            dice = ops.divide_no_nan(ops.sum(by_class, axis=-1), occurs)
        self.add(dice, images.image_weight(weight))

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "threshold": self.threshold}


def _overlap(label, predicted, weight):
    label = ops.cast(label, "float32")
    predicted = ops.cast(predicted, "float32")
    hits = images.per_image(label * predicted, weight)
    return 2.0 * hits, images.per_image(label + predicted, weight)
