"""Data for multi-task models with `tf.data`: batches, images, sounds."""

import importlib

_NAMES = {
    "AnswerDecoder": "decoder",
    "AudioPreprocessor": "audio",
    "ClipPreprocessor": "clips",
    "ColumnPreprocessor": "columns",
    "Compose": "augment",
    "ImagePreprocessor": "preprocessing",
    "Mixture": "mixing",
    "SentencePreprocessor": "text",
    "Shares": "shares",
    "SpanDecoder": "spans",
    "SubwordPreprocessor": "subwords",
    "TokenPreprocessor": "tokens",
    "TokenSubwordPreprocessor": "subwords",
    "VectorPreprocessor": "vectors",
    "epochs": "joined_epochs",
    "folds": "split_datasets",
    "hold_out": "split_datasets",
    "load_clip": "clip_file",
    "load_image": "image_file",
    "mix": "mixing",
    "pipeline": "batches",
}
_MODULES = (
    "augment",
    "detections",
    "letterbox",
    "mixing",
    "objects",
    "spectrograms",
    "split_datasets",
    "splits",
    "swap",
)
__all__ = sorted([*_MODULES, *_NAMES])


def __getattr__(name: str):
    # Lazily: importing a preprocessor must not import TensorFlow.
    if name in _NAMES:
        module = importlib.import_module(f"{__name__}.{_NAMES[name]}")
        return getattr(module, name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    from mtl_keras.messages import did_you_mean

    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}."
        f"{did_you_mean(name, __all__)}"
    )


def __dir__() -> list[str]:
    return list(__all__)
