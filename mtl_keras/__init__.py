"""Multi-task learning for Keras 3: one trunk, several named answers."""

import importlib

__version__ = "0.1.0"

_MODULES = (
    "balancing",
    "data",
    "export",
    "graph",
    "heads",
    "losses",
    "metrics",
    "optimizers",
    "plots",
    "training",
    "tuning",
)
_NAMES = {
    "LabelSpec": "mtl_keras.labels",
    "MultiTaskModel": "mtl_keras.model",
    "Task": "mtl_keras.task",
    "initialize": "mtl_keras.initialization",
}
__all__ = sorted([*_MODULES, *_NAMES])


def __getattr__(name: str):
    # Lazily, so that listing a zoo or reading a card loads no backend.
    if name in _MODULES:
        return importlib.import_module(f"mtl_keras.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    from mtl_keras.suggest import did_you_mean

    raise AttributeError(
        f"module 'mtl_keras' has no attribute {name!r}."
        f"{did_you_mean(name, __all__)}"
    )


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
