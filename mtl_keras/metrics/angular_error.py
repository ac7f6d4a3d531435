"""Mean angle between directions."""

import math

import keras
from keras import ops

from mtl_keras.losses.angular import angle
from mtl_keras.metrics.weighted_mean import WeightedMean


@keras.saving.register_keras_serializable(package="mtl_keras")
class AngularError(WeightedMean):
    """Mean angle between true and predicted directions, in degrees.

    What is reported of surface normals (Fouhey et al., ICCV 2013). Directions
    have shape `(..., size)`, 3 for normals, of any length; see
    `losses.Angular`. NaN where no label was seen.

    Args:
        name: String. Defaults to `"angular_error"`.
        dtype: Taken for Keras's sake; sums are float32.
    """

    def __init__(self, name: str = "angular_error", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of directions, shape `(..., size)`.
            y_pred: Tensor of the same shape.
            sample_weight: Tensor, one for each direction or example, or of
                the directions' shape (one counts if all its numbers do); 0
                leaves a direction out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        degrees = angle(self.name, y_true, y_pred) * (180.0 / math.pi)
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight)
            if tuple(sample_weight.shape) == tuple(y_pred.shape):
                sample_weight = ops.min(sample_weight, axis=-1)
        self.add(degrees, sample_weight)
