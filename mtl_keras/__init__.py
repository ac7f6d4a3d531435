"""Multi-task learning for Keras 3: one trunk, several named outputs."""

import importlib

from mtl_keras import serialization
from mtl_keras.messages import did_you_mean

__version__ = "0.1.0"

_MODULES = (
    "balancing",
    "calibration",
    "classical",
    "comparison",
    "data",
    "ensemble",
    "export",
    "extract",
    "graph",
    "heads",
    "importance",
    "losses",
    "merge",
    "metrics",
    "optimizers",
    "plots",
    "relations",
    "sharing",
    "training",
    "transfer",
    "tuning",
)
_NAMES = {
    "LabelSpec": "mtl_keras.labels",
    "MultiTaskModel": "mtl_keras.model.model",
    "Task": "mtl_keras.task",
    "build": "mtl_keras.sharing.building",
    "initialize": "mtl_keras.sharing.initialization",
}
__all__ = sorted([*_MODULES, *_NAMES, "checkpoint"])


def __getattr__(name: str):
    # Lazily, so that listing a zoo or reading a card loads no backend.
    if name in _MODULES:
        return importlib.import_module(f"mtl_keras.{name}")
    if name == "checkpoint":
        return importlib.import_module("mtl_keras.training.checkpoint")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(
        f"module 'mtl_keras' has no attribute {name!r}."
        f"{did_you_mean(name, __all__)}"
    )


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


# `import mtl_keras` is enough for `keras.models.load_model`.
serialization.register(__name__)
