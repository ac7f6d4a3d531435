"""The multi-task model: what `compile`, `fit` and `evaluate` do for it."""


def __getattr__(name: str):
    # Lazily: parts of this package are imported by what the model imports.
    if name != "MultiTaskModel":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mtl_keras.model.model import MultiTaskModel

    return MultiTaskModel
