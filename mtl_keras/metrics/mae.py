"""Mean absolute error."""

import keras
from keras import ops

from mtl_keras.metrics.mean_error import MeanError


@keras.saving.register_keras_serializable(package="mtl_keras")
class MAE(MeanError):
    """Mean of the absolute errors.

        mae = sum(weight * abs(y_pred - y_true)) / sum(weight)

    Every element of a label counts by itself; see `MeanError`. NaN if no label
    was seen.

    Args:
        name: String. Defaults to `"mae"`.
        dtype: Accepted for Keras compatibility; sums are float32.
    """

    def __init__(self, name: str = "mae", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def error(self, y_true, y_pred):
        """Computes the absolute error of each label."""
        return ops.abs(y_pred - y_true)
