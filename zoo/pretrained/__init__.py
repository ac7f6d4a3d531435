"""Pretrained trunks: their files, and which variables are trained."""

_MODULES = ("adaptation", "efficientnet_lite0", "encoder", "hub", "minilm")


def __getattr__(name: str):
    # Lazily: the modules import Keras, which a tool's --help does not need.
    if name not in (
        "adaptation",
        "efficientnet_lite0",
        "encoder",
        "hub",
        "minilm",
    ):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return importlib.import_module(f"{__name__}.{name}")
