"""Relative error of depth."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.metrics.weighted_mean import WeightedMean


@keras.saving.register_keras_serializable(package="mtl_keras")
class AbsRel(WeightedMean):
    """Mean error of depth as a share of the true depth.

        abs_rel = mean over pixels (abs(y_pred - y_true) / y_true)

    over all labelled pixels seen (Eigen et al., NeurIPS 2014, table 1). NaN
    where no label was seen.

    Args:
        smallest: Float above 0, in the unit of depth; smaller labels count as
            this. Defaults to 0.001.
        name: String. Defaults to `"abs_rel"`.
        dtype: Taken for Keras's sake; sums are float32.
    """

    def __init__(
        self, smallest: float = 1e-3, name: str = "abs_rel", dtype=None
    ):
        super().__init__(name=name, dtype=dtype)
        self.smallest = checks.number("smallest", smallest, above=0)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of depths.
            y_pred: Tensor of the same shape; an axis of 1 at the end may be
                missing in either.
            sample_weight: Tensor, one for each pixel or image; 0 leaves a
                pixel out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        y, p = shapes.paired(self.name, y_true, y_pred)
        y = ops.maximum(ops.cast(y, "float32"), self.smallest)
        self.add(ops.abs(p - y) / y, sample_weight)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "smallest": self.smallest}
