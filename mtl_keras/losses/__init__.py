"""Losses: one file each, one value for each label, never NaN."""

import keras

from mtl_keras import identifiers
from mtl_keras.losses.angular import Angular
from mtl_keras.losses.binary_cross_entropy import BinaryCrossEntropy
from mtl_keras.losses.box import BoxLoss
from mtl_keras.losses.cox import Cox
from mtl_keras.losses.cross_entropy import CrossEntropy
from mtl_keras.losses.dice import DiceLoss
from mtl_keras.losses.discrete_time import DiscreteTime
from mtl_keras.losses.elementwise import couples_labels, values
from mtl_keras.losses.focal import Focal
from mtl_keras.losses.giou import GIoU
from mtl_keras.losses.huber import Huber
from mtl_keras.losses.loss import Loss
from mtl_keras.losses.pairwise_auc import PairwiseAUC
from mtl_keras.losses.scale_invariant_depth import ScaleInvariantDepth
from mtl_keras.losses.soft_f1 import SoftF1

_LOSSES = {
    "angular": Angular,
    "binary_cross_entropy": BinaryCrossEntropy,
    "box": BoxLoss,
    "cox": Cox,
    "cross_entropy": CrossEntropy,
    "dice": DiceLoss,
    "discrete_time": DiscreteTime,
    "focal": Focal,
    "giou": GIoU,
    "huber": Huber,
    "pairwise_auc": PairwiseAUC,
    "scale_invariant_depth": ScaleInvariantDepth,
    "soft_f1": SoftF1,
}

__all__ = [
    "Angular",
    "BinaryCrossEntropy",
    "BoxLoss",
    "Cox",
    "CrossEntropy",
    "DiceLoss",
    "DiscreteTime",
    "Focal",
    "GIoU",
    "Huber",
    "Loss",
    "PairwiseAUC",
    "ScaleInvariantDepth",
    "SoftF1",
    "couples_labels",
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
