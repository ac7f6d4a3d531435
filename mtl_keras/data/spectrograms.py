"""Random augmentation of batches of log-mel spectrograms.

Each is called with `(inputs, labels, seed)`, as those of
`mtl_keras.data.augment`, and returns new `(inputs, labels)`. Inputs are a
float tensor of shape `(batch, frames, bands)` as `AudioPreprocessor` makes it,
or a dict that holds one. Random numbers depend only on the seed, an int64
tensor of shape `(2,)`. What would be done to the sound is done to its
spectrogram, which takes a fraction of the time.
"""

import dataclasses
import math

import tensorflow as tf

from mtl_keras import checks
from mtl_keras.data.audio import LOWEST
from mtl_keras.messages import unknown

# The logarithm of the power of a decibel.
_DECIBEL = math.log(10.0) / 10.0


@dataclasses.dataclass(frozen=True)
class ShiftTime:
    """Moves each recording by whole frames; silence fills the gap.

    Args:
        earlier: Float in [0, 1], the largest shift towards the beginning, as a
            fraction of the frames. What leaves the spectrogram is lost.
            Defaults to 0.
        later: Float in [0, 1], the largest shift towards the end. Defaults to
            0.3.
        audio: String, the key of the spectrogram if inputs are a dict.

    Raises:
        ValueError: If an argument is out of range.
    """

    earlier: float = 0.0
    later: float = 0.3
    audio: str = "audio"

    def __post_init__(self):
        checks.fraction("earlier", self.earlier)
        checks.fraction("later", self.later)

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        sound = _get(inputs, self.audio)
        batch, frames = tf.shape(sound)[0], tf.shape(sound)[1]
        length = tf.cast(frames, tf.float32)
        drawn = tf.random.stateless_uniform((batch, 1), seed, alg="philox")
        shift = drawn * (self.later + self.earlier) - self.earlier
        shift = tf.cast(tf.round(shift * length), tf.int32)
        source = tf.range(frames)[None] - shift
        is_inside = (source >= 0) & (source < frames)
        source = tf.clip_by_value(source, 0, frames - 1)
        moved = tf.gather(sound, source, axis=1, batch_dims=1)
        moved = tf.where(is_inside[..., None], moved, LOWEST)
        moved = tf.ensure_shape(moved, sound.shape)
        return _put(inputs, self.audio, moved), labels


@dataclasses.dataclass(frozen=True)
class Gain:
    """Makes each recording louder or softer. Silence stays silence.

    Args:
        decibels: Float of at least 0, the largest gain and the largest loss.
            Defaults to 6.
        audio: String, the key of the spectrogram if inputs are a dict.

    Raises:
        ValueError: If `decibels` is out of range.
    """

    decibels: float = 6.0
    audio: str = "audio"

    def __post_init__(self):
        checks.number("decibels", self.decibels, low=0)

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        sound = _get(inputs, self.audio)
        limit = self.decibels * _DECIBEL
        drawn = tf.random.stateless_uniform(
            (tf.shape(sound)[0], 1, 1), seed, -limit, limit, alg="philox"
        )
        louder = tf.maximum(sound + drawn, LOWEST)
        louder = tf.where(sound > LOWEST, louder, sound)
        return _put(inputs, self.audio, louder), labels


@dataclasses.dataclass(frozen=True)
class Hiss:
    """Adds noise that has the same mean power in each band.

    A power of normal noise is exponentially distributed (the square of a
    complex normal number), and independent between frames and bands here.

    Args:
        low: Float, the least mean of the noise, as the logarithm of the power
            in a band. Defaults to `AudioPreprocessor`'s silence, -13.8.
        high: Float, the greatest. Defaults to -6.
        audio: String, the key of the spectrogram if inputs are a dict.

    Raises:
        ValueError: If `low` exceeds `high`.
    """

    low: float = LOWEST
    high: float = -6.0
    audio: str = "audio"

    def __post_init__(self):
        if not self.low <= self.high:
            raise ValueError(
                "Hiss expects `low` <= `high`. Received: "
                f"low={self.low!r}, high={self.high!r}"
            )

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        sound = _get(inputs, self.audio)
        seeds = [tf.random.fold_in(seed, index) for index in range(2)]
        level = tf.random.stateless_uniform(
            (tf.shape(sound)[0], 1, 1),
            seeds[0],
            self.low,
            self.high,
            alg="philox",
        )
        drawn = tf.random.stateless_uniform(
            tf.shape(sound), seeds[1], alg="philox"
        )
        # 1 - drawn is in (0, 1]: its logarithm is finite.
        power = tf.exp(level) * -tf.math.log1p(-drawn)
        noisy = tf.math.log(tf.exp(sound) + power)
        return _put(inputs, self.audio, noisy), labels


@dataclasses.dataclass(frozen=True)
class Mask:
    """Hides neighbouring bands and neighbouring frames, as SpecAugment.

    Park et al., Interspeech 2019, https://arxiv.org/abs/1904.08779. The width
    of a mask is drawn from 0 to its limit; the values become the mean of the
    spectrogram. Time is not warped.

    Args:
        bands: Float in [0, 1], the greatest width of a mask over bands, as a
            fraction of all. Defaults to 0.2.
        frames: Float in [0, 1], the same over frames. Defaults to 0.2.
        audio: String, the key of the spectrogram if inputs are a dict.

    Raises:
        ValueError: If an argument is out of range.
    """

    bands: float = 0.2
    frames: float = 0.2
    audio: str = "audio"

    def __post_init__(self):
        checks.fraction("bands", self.bands)
        checks.fraction("frames", self.frames)

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        sound = _get(inputs, self.audio)
        shape = tf.shape(sound)
        drawn = tf.random.stateless_uniform(
            (4, shape[0], 1), seed, alg="philox"
        )
        frames = _interval(drawn[0], drawn[1], self.frames, shape[1])
        bands = _interval(drawn[2], drawn[3], self.bands, shape[2])
        hidden = frames[:, :, None] | bands[:, None, :]
        mean = tf.reduce_mean(sound, axis=(1, 2), keepdims=True)
        return _put(inputs, self.audio, tf.where(hidden, mean, sound)), labels


def _interval(width, start, limit, size):
    """Draws an interval of places: booleans of shape `(batch, size)`."""
    total = tf.cast(size, tf.float32)
    width = tf.round(width * limit * total)
    start = tf.floor(start * (total - width + 1.0))
    place = tf.range(total)[None]
    return (place >= start) & (place < start + width)


def _get(inputs, key):
    if not isinstance(inputs, dict):
        return inputs
    if key not in inputs:
        raise ValueError(unknown("input to augment", key, inputs))
    return inputs[key]


def _put(inputs, key, sound):
    return {**inputs, key: sound} if isinstance(inputs, dict) else sound
