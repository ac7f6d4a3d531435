"""Backbones of KerasHub, by preset name or from a folder."""

import functools
import pathlib

from zoo.pretrained import packages

PREFIX = "hub:"


def is_hub(trunk) -> bool:
    """Whether a trunk's name is that of a KerasHub backbone."""
    return isinstance(trunk, str) and trunk.startswith(PREFIX)


def load_backbone(trunk: str, *, weights: bool = True, **overrides):
    """Loads a backbone.

    Args:
        trunk: String, `"hub:"` and what `Backbone.from_preset` of KerasHub
            takes: the name of a preset, which is downloaded at the first use,
            or a folder, in KerasHub's format or that of Hugging Face or timm.
        weights: Boolean, whether the pretrained weights are loaded.
        **overrides: Arguments of the backbone, such as `image_shape`.

    Returns:
        `keras_hub.models.Backbone`, in the dtype policy of Keras.

    Raises:
        ValueError: If KerasHub is not installed, or the preset cannot be
            loaded.
    """
    import keras

    hub = _keras_hub(trunk)
    return _loaded(
        hub.models.Backbone.from_preset,
        trunk,
        load_weights=weights,
        dtype=keras.config.dtype_policy().name,
        **overrides,
    )


def load_tokenizer(trunk: str):
    """Loads the tokenizer of a text backbone.

    Args:
        trunk: String, as for `load_backbone`.

    Returns:
        `keras_hub.models.Tokenizer`.

    Raises:
        ValueError: If KerasHub or TensorFlow Text is not installed, or the
            preset has no tokenizer.
    """
    hub = _keras_hub(trunk)
    packages.require("tensorflow_text", "hub", f"trunk={trunk!r}")
    return _loaded(hub.models.Tokenizer.from_preset, trunk)


@functools.lru_cache(maxsize=16)
def max_length(trunk: str) -> int | None:
    """Finds how many positions a text backbone has.

    Args:
        trunk: String, as for `load_backbone`.

    Returns:
        Integer, or `None` for a backbone without a limit.

    Raises:
        ValueError: If the backbone cannot be loaded.
    """
    # KerasHub has no public way to a backbone's config without the backbone.
    backbone = load_backbone(trunk, weights=False)
    return getattr(backbone, "max_sequence_length", None)


def load_pixel_scale(trunk: str) -> tuple:
    """Loads how an image backbone's pixels are scaled.

    Args:
        trunk: String, as for `load_backbone`.

    Returns:
        Pair `(scale, offset)`, numbers or lists of one number a channel: the
        backbone was trained on `scale * pixels + offset` with pixels from 0
        to 255.

    Raises:
        ValueError: If the preset does not say.
    """
    hub = _keras_hub(trunk)
    converter = _loaded(hub.layers.ImageConverter.from_preset, trunk)
    scale = 1.0 if converter.scale is None else converter.scale
    offset = 0.0 if converter.offset is None else converter.offset
    return _plain(scale), _plain(offset)


def _keras_hub(trunk):
    packages.require("keras_hub", "hub", f"trunk={trunk!r}")
    import keras_hub

    return keras_hub


def _loaded(load, trunk, **arguments):
    preset = trunk.removeprefix(PREFIX)
    is_folder = pathlib.Path(preset).expanduser().is_dir()
    if is_folder:
        preset = str(pathlib.Path(preset).expanduser())
    try:
        return load(preset, **arguments)
    except ImportError as error:
        raise ValueError(
            f"trunk={trunk!r} needs a package that is not installed: {error} "
            "Run: pip install 'mtl-keras[hub]'"
        ) from error
    # What KerasHub and its download clients raise has no common class.
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"KerasHub cannot load {'the folder' if is_folder else 'a preset'} "
            f"{preset!r}: {reason[0][:300]} Expected 'hub:' with a preset's "
            "name (keras_hub.models.Backbone.presets lists them) or a folder. "
            f"Received: trunk={trunk!r}"
        ) from error


def _plain(value):
    if hasattr(value, "__iter__"):
        return [float(item) for item in value]
    return float(value)
