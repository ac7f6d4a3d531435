"""Trunks for clips: from pixels of frames to a feature map."""

import keras
from keras import layers, ops

from mtl_keras import checks
from mtl_keras.messages import unknown
from zoo import convolutions


def stages(trunk: str = "r2plus1d", *, width: float = 1.0) -> list:
    """Makes a trunk's stages, for `mtl_keras.sharing.Trunk`.

    Args:
        trunk: `"r2plus1d"` (see `r2plus1d`) or `"convlstm"` (see `convlstm`).
        width: Float above 0, by which the numbers of channels are multiplied.

    Returns:
        List of functions, each from a tensor `(batch, frames, height, width,
        channels)` to the next; the last one gives a feature map
        `(batch, height, width, channels)`.

    Raises:
        ValueError: If there is no such trunk.
    """
    checks.number("width", width, above=0)
    if not isinstance(trunk, str) or trunk not in _TRUNKS:
        raise ValueError(unknown("`trunk`", trunk, _TRUNKS))
    return _TRUNKS[trunk](width)


def r2plus1d(width: float = 1.0) -> list:
    """Convolutions over space and over time, in turn.

    Each block is a convolution within frames and one from frame to frame, each
    with batch normalization (Tran et al., CVPR 2018,
    https://arxiv.org/abs/1711.11248). The blocks reduce 16 frames of 32x32 to
    4 of 4x4, of which the mean over time is taken.

    Args:
        width: Float above 0, a factor of the channels 8, 16, 32, 48, 64, 64.

    Returns:
        List of three functions.
    """

    def block(number, within, between, size, length, time_strides):
        def stage(clip):
            clip = _convolution(
                clip,
                convolutions.channels(within, width),
                (1, size, size),
                (1, 2, 2),
                f"trunk_space{number}",
            )
            return _convolution(
                clip,
                convolutions.channels(between, width),
                (length, 1, 1),
                (time_strides, 1, 1),
                f"trunk_time{number}",
            )

        return stage

    first = block(1, 8, 16, 5, 5, 2)
    second = block(2, 32, 48, 3, 3, 2)
    third = block(3, 64, 64, 3, 3, 1)
    return [first, second, lambda clip: _mean_over_time(third(clip))]


def convlstm(width: float = 1.0) -> list:
    """Convolutions within frames, then a recurrent one from frame to frame.

    The last state of a convolutional LSTM (Shi et al., NeurIPS 2015,
    https://arxiv.org/abs/1506.04214) is the feature map.

    Args:
        width: Float above 0, a factor of the channels 8, 32, 32.

    Returns:
        List of three functions.
    """

    def within(number, channels, size):
        return lambda clip: _convolution(
            clip,
            convolutions.channels(channels, width),
            (1, size, size),
            (1, 2, 2),
            f"trunk_space{number}",
        )

    def recurrent(clip):
        state = layers.ConvLSTM2D(
            convolutions.channels(32, width),
            3,
            padding="same",
            name="trunk_lstm",
        )(clip)
        return layers.MaxPooling2D(name="trunk_pool")(state)

    return [within(1, 8, 5), within(2, 32, 3), recurrent]


@keras.saving.register_keras_serializable(package="mtl_keras")
class MeanOverFrames(layers.Layer):
    """Averages a clip's feature maps over its frames.

    Input: `(batch, frames, height, width, channels)`. Output:
    `(batch, height, width, channels)`.
    """

    def call(self, inputs):
        """Averages over the frames."""
        return ops.mean(inputs, axis=1)

    def compute_output_shape(self, input_shape):
        """Removes the frames."""
        return (input_shape[0], *input_shape[2:])


def _mean_over_time(clip):
    return MeanOverFrames(name="trunk_mean")(clip)


def _convolution(clip, channels, size, strides, name):
    clip = layers.Conv3D(
        channels,
        size,
        strides=strides,
        padding="same",
        use_bias=False,
        name=name,
    )(clip)
    # A short run has few steps to follow the statistics in.
    clip = layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(clip)
    return layers.ReLU(name=f"{name}_relu")(clip)


_TRUNKS = {"r2plus1d": r2plus1d, "convlstm": convlstm}
NAMES = tuple(_TRUNKS)
