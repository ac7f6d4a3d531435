"""How tasks share a network: one architecture a file; penalties and dropout."""

from mtl_keras.class_files import lazy_attributes
from mtl_keras.sharing import registry
from mtl_keras.sharing.registry import get, list_sharings

# Imported when asked for, like the architectures: listing their names loads
# no backend.
_OTHERS = {"Sharing": "architecture", "Trunk": "trunk"}
_CLASSES = _OTHERS | {cls: name for name, cls in registry.class_names().items()}

__all__ = ["get", "list_sharings", *_CLASSES]

__getattr__, __dir__ = lazy_attributes(__name__, _CLASSES, __all__)
