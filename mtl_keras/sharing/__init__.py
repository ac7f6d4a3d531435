"""How tasks share a network: one architecture a file; penalties and dropout."""

import importlib

from mtl_keras.messages import did_you_mean
from mtl_keras.sharing import registry
from mtl_keras.sharing.registry import get, list_sharings

# Imported when asked for, like the architectures: listing their names loads
# no backend.
_OTHERS = {"Sharing": "architecture", "Trunk": "trunk"}
_CLASSES = _OTHERS | {cls: name for name, cls in registry.class_names().items()}

__all__ = ["get", "list_sharings", *_CLASSES]


def __getattr__(name):
    if name not in _CLASSES:
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}."
            f"{did_you_mean(name, __all__)}"
        )
    module = importlib.import_module(f"{__name__}.{_CLASSES[name]}")
    return getattr(module, name)


def __dir__():
    return sorted(set(globals()) | set(_CLASSES))
