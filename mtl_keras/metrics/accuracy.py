"""Fraction of correct predictions."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.metrics.weighted_mean import WeightedMean


@keras.saving.register_keras_serializable(package="mtl_keras")
class Accuracy(WeightedMean):
    """Fraction of the labels that are predicted correctly.

        accuracy = sum(weight * (predicted == label)) / sum(weight)

    Classes (the last axis of the predictions runs over classes, labels are
    class numbers): the most probable class is predicted. Binary labels
    (predictions of shape `(..., 1)`, or of the labels' shape): the positive
    class is predicted where `prediction > threshold`. NaN if no label was
    seen. Counts are exact up to 2**24 labels.

    Args:
        threshold: Float, for binary labels. Defaults to 0.5, for probabilities;
            use 0 for logits.
        name: String. Defaults to `"accuracy"`.
        dtype: Accepted for Keras compatibility; counts are float32.
    """

    def __init__(
        self, threshold: float = 0.5, name: str = "accuracy", dtype=None
    ):
        super().__init__(name=name, dtype=dtype)
        self.threshold = checks.number("threshold", threshold)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of labels.
            y_pred: Tensor of probabilities or logits.
            sample_weight: Tensor, one for each label or example; 0 leaves a
                label out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        if shapes.is_binary(y_true, y_pred):
            label, p = shapes.paired(self.name, y_true, y_pred)
            label = ops.cast(label, "float32") > 0.5
            predicted = p > self.threshold
        else:
            label = shapes.class_numbers(self.name, y_true, y_pred)
            predicted = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        self.add(ops.equal(predicted, label), sample_weight)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "threshold": self.threshold}
