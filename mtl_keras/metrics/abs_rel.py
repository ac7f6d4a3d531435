"""Relative error of depth."""

import keras
from keras import ops

from mtl_keras import checks
from mtl_keras.metrics.mean_error import MeanError


@keras.saving.register_keras_serializable(package="mtl_keras")
class AbsRel(MeanError):
    """Mean absolute error of depth, relative to the true depth.

        abs_rel = mean over pixels (abs(y_pred - y_true) / y_true)

    over all labelled pixels seen (Eigen et al., NeurIPS 2014, table 1). NaN if
    no label was seen.

    Args:
        smallest: Float above 0, in the unit of depth; smaller labels are
            raised to it. Defaults to 0.001.
        name: String. Defaults to `"abs_rel"`.
        dtype: Accepted for Keras compatibility; sums are float32.
    """

    def __init__(
        self, smallest: float = 1e-3, name: str = "abs_rel", dtype=None
    ):
        super().__init__(name=name, dtype=dtype)
        self.smallest = checks.number("smallest", smallest, above=0)

    def error(self, y_true, y_pred):
        """Computes the relative error of each pixel."""
        depth = ops.maximum(y_true, self.smallest)
        return ops.abs(y_pred - depth) / depth

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "smallest": self.smallest}
