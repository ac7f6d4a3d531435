"""Share of right answers."""

import keras
from keras import ops

from mtl_keras import checks, shapes


@keras.saving.register_keras_serializable(package="mtl_keras")
class Accuracy(keras.metrics.Metric):
    """Share of the labels that are predicted right.

        accuracy = sum(weight * (answer == label)) / sum(weight)

    The answer is the most probable class where the predictions' last axis runs
    over classes (labels: class numbers), and `probability > threshold` where
    they are yes or no (predictions `(..., 1)`, or of the labels' shape). NaN
    where no label was seen. Counts are exact up to 2**24 labels.

    Args:
        threshold: Float in (0, 1), for yes or no. Defaults to 0.5.
        name: String. Defaults to `"accuracy"`.
        dtype: Taken for Keras's sake; counts are float32.
    """

    def __init__(
        self, threshold: float = 0.5, name: str = "accuracy", dtype=None
    ):
        super().__init__(name=name, dtype=dtype)
        self.threshold = checks.number("threshold", threshold, above=0, below=1)
        self.right = self.add_variable((), "zeros", "float32", name="right")
        self.count = self.add_variable((), "zeros", "float32", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of labels.
            y_pred: Tensor of probabilities.
            sample_weight: Tensor, one for each label or example; 0 leaves a
                label out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        if shapes.is_binary(y_true, y_pred):
            label, p = shapes.paired(self.name, y_true, y_pred)
            label = ops.cast(label, "float32") > 0.5
            answer = p > self.threshold
        else:
            label = shapes.class_numbers(self.name, y_true, y_pred)
            answer = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        is_right = ops.equal(answer, label)
        weight = shapes.metric_weights(self.name, sample_weight, is_right)
        self.right.assign_add(shapes.weighted_sum(is_right, weight))
        self.count.assign_add(ops.sum(weight))

    def result(self):
        """Returns the share so far, NaN where no label was seen."""
        return ops.divide(self.right, self.count)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "threshold": self.threshold}
