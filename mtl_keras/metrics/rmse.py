"""Root mean squared error."""

import keras
from keras import ops

from mtl_keras.metrics.mean_error import MeanError


@keras.saving.register_keras_serializable(package="mtl_keras")
class RMSE(MeanError):
    """Root of the mean of the squared errors, in the label's unit.

        rmse = sqrt(sum(weight * (y_pred - y_true) ** 2) / sum(weight))

    Every element of a label counts by itself; see `MeanError`. NaN if no label
    was seen.

    Args:
        name: String. Defaults to `"rmse"`.
        dtype: Accepted for Keras compatibility; sums are float32.
    """

    def __init__(self, name: str = "rmse", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def error(self, y_true, y_pred):
        """Computes the squared error of each label."""
        return ops.square(y_pred - y_true)

    def result(self):
        """Returns the root so far, NaN if no label was seen."""
        return ops.sqrt(super().result())
