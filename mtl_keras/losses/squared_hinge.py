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

    def __init__(
        self,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "squared_hinge",
    ):
        super().__init__(reduction=reduction, name=name)

    def call(self, y_true, y_pred):
        """Computes a value for each label; see `Hinge.call`."""
        return ops.square(super().call(y_true, y_pred))
