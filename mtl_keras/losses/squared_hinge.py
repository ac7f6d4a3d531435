"""Squared hinge loss of binary labels: a smooth support vector machine."""

import keras
from keras import ops

from mtl_keras.losses.hinge import Hinge


@keras.saving.register_keras_serializable(package="mtl_keras")
class SquaredHinge(Hinge):
    """Computes the square of `Hinge`.

    Its gradient is continuous, which suits optimizers with momentum; an
    outlier costs more.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"squared_hinge"`.
    """

    default_name = "squared_hinge"

    def call(self, y_true, y_pred):
        """Computes a value for each label; see `Hinge.call`."""
        return ops.square(super().call(y_true, y_pred))
