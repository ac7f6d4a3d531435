"""Losses: one file each, one value for each label, never NaN."""

import keras

from mtl_keras import identifiers
from mtl_keras.losses.binary_cross_entropy import BinaryCrossEntropy
from mtl_keras.losses.box import BoxLoss
from mtl_keras.losses.cross_entropy import CrossEntropy
from mtl_keras.losses.elementwise import values
from mtl_keras.losses.focal import Focal
from mtl_keras.losses.giou import GIoU
from mtl_keras.losses.huber import Huber
from mtl_keras.losses.loss import Loss

_LOSSES = {
    "binary_cross_entropy": BinaryCrossEntropy,
    "box": BoxLoss,
    "cross_entropy": CrossEntropy,
    "focal": Focal,
    "giou": GIoU,
    "huber": Huber,
}

__all__ = [
    "BinaryCrossEntropy",
    "BoxLoss",
    "CrossEntropy",
    "Focal",
    "GIoU",
    "Huber",
    "Loss",
    "get",
    "list_losses",
    "values",
]


def list_losses() -> list[str]:
    """Lists the names of this package's losses, sorted."""
    return sorted(_LOSSES)


def get(identifier):
    """Finds a loss: this package's by name first, then Keras's.

    Args:
        identifier: Name (`"focal"`, `"mse"`, `"MeanSquaredError"`), config
            dict, `keras.losses.Loss` (class or object), or function of
            `(y_true, y_pred)`. `None` is returned as it is.

    Returns:
        `keras.losses.Loss` or function; a new object for a name.

    Raises:
        ValueError: If there is no such loss.
    """
    return identifiers.resolve("loss", identifier, _LOSSES, keras.losses)
