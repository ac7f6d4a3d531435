"""Mean angle between directions."""

import math

import keras

from mtl_keras import shapes
from mtl_keras.losses.angular import angle
from mtl_keras.metrics.weighted_mean import WeightedMean


@keras.saving.register_keras_serializable(package="mtl_keras")
class AngularError(WeightedMean):
    """Mean angle between true and predicted directions, in degrees.

    The usual metric of surface normals (Fouhey et al., ICCV 2013). Directions
    have shape `(..., size)`, 3 for normals, of any length; see
    `losses.Angular`. NaN if no label was seen.

    Args:
        name: String. Defaults to `"angular_error"`.
        dtype: Accepted for Keras compatibility; sums are float32.
    """

    def __init__(self, name: str = "angular_error", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of directions, shape `(..., size)`.
            y_pred: Tensor of the same shape.
            sample_weight: Tensor, one for each direction or example, or of
                the directions' shape (the smallest weight of a direction's
                numbers counts); 0 leaves a direction out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        degrees = angle(self.name, y_true, y_pred) * (180.0 / math.pi)
        self.add(degrees, shapes.vector_weights(sample_weight, y_pred))
