"""Searches what a multi-task model is trained with, by KerasTuner."""

import importlib

_NAMES = {
    "HyperModel": "hypermodels",
    "Space": "space",
    "hypermodel": "hypermodels",
}
__all__ = sorted(_NAMES)


def __getattr__(name: str):
    # Lazily: KerasTuner imports a backend, and what checks a tool's flags
    # must not.
    if name in _NAMES:
        module = importlib.import_module(f"{__name__}.{_NAMES[name]}")
        return getattr(module, name)
    from mtl_keras.messages import did_you_mean

    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}."
        f"{did_you_mean(name, __all__)}"
    )


def __dir__() -> list[str]:
    return list(__all__)
