"""Mean absolute error."""

import keras
from keras import ops

from mtl_keras import shapes
from mtl_keras.metrics.weighted_mean import WeightedMean


@keras.saving.register_keras_serializable(package="mtl_keras")
class MAE(WeightedMean):
    """Mean of the errors without their sign.

        mae = sum(weight * abs(y_pred - y_true)) / sum(weight)

    Every element of a label counts by itself, so that vectors may have
    elements missing; Keras's metric averages the last axis first. NaN where
    no label was seen.

    Args:
        name: String. Defaults to `"mae"`.
        dtype: Taken for Keras's sake; sums are float32.
    """

    def __init__(self, name: str = "mae", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of numbers.
            y_pred: Tensor of the same shape; an axis of 1 at the end may be
                missing in either.
            sample_weight: Tensor, one for each label or example; 0 leaves a
                label out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        true, pred = shapes.paired(self.name, y_true, y_pred)
        error = pred - ops.cast(true, "float32")
        self.add(ops.abs(error), sample_weight)
