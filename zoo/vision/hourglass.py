"""An encoder-decoder: from an image to features of half its height and width.

U-Net (Ronneberger et al., MICCAI 2015, https://arxiv.org/abs/1505.04597) with
sums in the place of concatenations, as in stacked hourglasses (Newell et al.,
ECCV 2016, https://arxiv.org/abs/1603.06937).
"""

from keras import layers

from zoo import convolutions

# Height and width of an image are multiples of it.
MULTIPLE = 16
# Of the maps at a half, a quarter, an eighth and a sixteenth.
_CHANNELS = (32, 64, 128, 192)


def stages(width: float = 1.0) -> list:
    """Makes the trunk's stages, for `mtl_keras.sharing.Trunk`.

    All stages give maps of one size, half the image's, so that architectures
    that mix or mask the features of tasks after each stage fit: the
    encoder-decoder with its skip connections is one stage.

    Args:
        width: Float above 0, a factor of the channels 32, 64, 128, 192.

    Returns:
        List of three functions, each from features to features of shape
        `(batch, height / 2, width / 2, channels)`.
    """
    block, shortcut = convolutions.blocks(width)

    def half(image):
        features = block(image, "stem", 24, size=4, strides=2)
        return block(features, "half", _CHANNELS[0])

    def hourglass(features):
        skipped = [features]
        for level, channels in enumerate(_CHANNELS[1:], start=1):
            features = block(features, f"down{level}", channels, strides=2)
            features = shortcut(features, f"encoder{level}", channels)
            skipped.append(features)
        features = shortcut(features, "bottom", _CHANNELS[-1])
        for level in reversed(range(len(_CHANNELS) - 1)):
            channels = _CHANNELS[level]
            features = block(features, f"lateral{level}", channels, size=1)
            features = layers.UpSampling2D(
                2, interpolation="bilinear", name=f"trunk_up{level}"
            )(features)
            features = layers.Add(name=f"trunk_skip{level}")(
                [features, skipped[level]]
            )
            features = block(features, f"decoder{level}", channels)
        return features

    def refined(features):
        return shortcut(features, "refined", _CHANNELS[0])

    return [half, hourglass, refined]
