"""Trunks for recordings: from a log-mel spectrogram to a feature map."""

from keras import layers

from mtl_keras import checks
from zoo import convolutions

# A log-mel spectrogram is between -13.8, silence, and about 5.
_CENTRE, _SPREAD = -6.0, 4.0


def small(width: float = 1.0) -> list:
    """The zoo's default: 7 convolutions that halve the spectrogram three times.

    3x3 convolutions over time and frequency with batch normalization, every
    third one with a shortcut (He et al., CVPR 2016,
    https://arxiv.org/abs/1512.03385).

    Args:
        width: Float above 0, a factor of the channels 24, 48, 96.

    Returns:
        List of three functions for `mtl_keras.sharing.Trunk`. The first one
        takes a spectrogram of shape `(batch, frames, bands)`; the last one
        gives `(batch, frames / 8, bands / 8, channels)`.

    Raises:
        ValueError: If `width` is not a number above 0.
    """
    checks.number("width", width, above=0)

    block, shortcut = convolutions.blocks(width)

    def half(sound):
        sound = layers.Reshape((*sound.shape[1:], 1), name="trunk_map")(sound)
        # Not the layer Rescaling, with which Keras refuses `jit_compile`.
        sound = sound * (1.0 / _SPREAD) - _CENTRE / _SPREAD
        return block(sound, "stem", 24, strides=2, size=4)

    def quarter(features):
        features = block(features, "half1", 48, strides=2)
        features = block(features, "wide1", 48)
        return shortcut(features, "shortcut1", 48)

    def eighth(features):
        features = block(features, "half2", 96, strides=2)
        features = block(features, "wide2", 96)
        return shortcut(features, "shortcut2", 96)

    return [half, quarter, eighth]
