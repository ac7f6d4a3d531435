"""Fraction of directions that are predicted within an angle."""

import math

import keras

from mtl_keras import checks, shapes
from mtl_keras.losses.angular import angle
from mtl_keras.metrics.weighted_mean import WeightedMean


@keras.saving.register_keras_serializable(package="mtl_keras")
class WithinAngle(WeightedMean):
    """Fraction of directions whose error is below a limit.

    A usual metric of surface normals, with limits of 11.25, 22.5 and 30
    degrees (Fouhey et al., ICCV 2013). Directions are as in `AngularError`.
    NaN if no label was seen.

    Args:
        degrees: Float in (0, 180], the limit. Defaults to 11.25.
        name: String. Defaults to `"within_angle"`.
        dtype: Accepted for Keras compatibility; sums are float32.

    Raises:
        ValueError: If the limit is out of range.
    """

    def __init__(
        self, degrees: float = 11.25, name: str = "within_angle", dtype=None
    ):
        super().__init__(name=name, dtype=dtype)
        self.degrees = checks.number("degrees", degrees, above=0, high=180)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of directions, shape `(..., size)`.
            y_pred: Tensor of the same shape.
            sample_weight: As for `AngularError`.

        Raises:
            ValueError: If the shapes do not fit.
        """
        is_near = angle(self.name, y_true, y_pred) < math.radians(self.degrees)
        self.add(is_near, shapes.vector_weights(sample_weight, y_pred))

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "degrees": self.degrees}
