"""Losses: one file each, one value for each label, never NaN.

A module that defines a registered subclass of `Loss` is the loss of that name:
`losses/huber.py` is `"huber"` and `losses.Huber`. Nothing else lists it.
"""

import keras

from mtl_keras import identifiers
from mtl_keras.losses.elementwise import couples_labels, from_logits, values
from mtl_keras.losses.loss import Loss

_LOSSES = identifiers.by_module(__name__, __path__, Loss)
_CLASSES = {cls.__name__: cls for cls in _LOSSES.values()}
globals().update(_CLASSES)

__all__ = [
    "Loss",
    "couples_labels",
    "from_logits",
    "get",
    "list_losses",
    "values",
    *_CLASSES,
]


def list_losses() -> list[str]:
    """Lists the names of this package's losses, sorted."""
    return sorted(_LOSSES)


def get(identifier):
    """Finds a loss: this package's by name first, then Keras's.

    Args:
        identifier: Name (`"focal"`, `"mse"`, `"MeanSquaredError"`), config
            dict, `keras.losses.Loss` (class or object), or function of
            `(y_true, y_pred)`. `None` is returned unchanged.

    Returns:
        `keras.losses.Loss` or function; a new object for a name.

    Raises:
        ValueError: If the loss is unknown.
    """
    return identifiers.resolve("loss", identifier, _LOSSES, keras.losses)
