"""TensorFlow Datasets builders of the zoo's data sets."""

import importlib
import pkgutil

from mtl_keras.messages import did_you_mean

_NAMES = tuple(module.name for module in pkgutil.iter_modules(__path__))


def __getattr__(name: str):
    # Lazily: a builder imports TensorFlow Datasets.
    if name in _NAMES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}."
        f"{did_you_mean(name, _NAMES)}"
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
