"""The convolutions that the zoo's small trunks are made of."""

from collections.abc import Callable

from keras import layers


def channels(number: int, width: float) -> int:
    """Returns a number of channels times the width, a multiple of 8."""
    return max(round(number * width / 8) * 8, 8)


def blocks(width: float) -> tuple[Callable, Callable]:
    """Makes the functions that put a convolution on a feature map.

    A convolution has no bias and is followed by batch normalization and ReLU;
    a shortcut adds one to its input (He et al., CVPR 2016,
    https://arxiv.org/abs/1512.03385).

    Args:
        width: Float above 0, a factor of the channels.

    Returns:
        `block(features, name, num_channels, size=3, strides=1)` and
        `shortcut(features, name, num_channels)`. Layers are named
        `trunk_{name}`.
    """

    def block(features, name, num_channels, size=3, strides=1):
        features = layers.Conv2D(
            channels(num_channels, width),
            size,
            strides=strides,
            padding="same",
            use_bias=False,
            name=f"trunk_{name}",
        )(features)
        # A short run has few steps to follow the statistics in.
        features = layers.BatchNormalization(
            momentum=0.95, name=f"trunk_{name}_norm"
        )(features)
        return layers.ReLU(name=f"trunk_{name}_relu")(features)

    def shortcut(features, name, num_channels):
        return layers.Add(name=f"trunk_{name}_add")(
            [features, block(features, name, num_channels)]
        )

    return block, shortcut
