"""The multi-task model: what `compile`, `fit` and `evaluate` do for it."""


def __getattr__(name: str):
    # Lazily: modules that the model imports import parts of this package.
    if name != "MultiTaskModel":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mtl_keras.model.model import MultiTaskModel

    return MultiTaskModel
