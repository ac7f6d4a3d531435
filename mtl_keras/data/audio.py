"""Converts recordings in wav files to log-mel spectrograms."""

import math

import keras
import numpy as np

from mtl_keras import checks
from mtl_keras.data import wav_file
from mtl_keras.data.file_preprocessor import FilePreprocessor, named_input
from mtl_keras.data.wav_file import MAX_RATE, MIN_RATE

# Below this, 16-bit recordings contain only quantisation noise: 2**-30 / 12
# times 150, the sum of squares of a window of 400 samples, is 1e-8 per bin, and
# a band sums many bins.
_FLOOR = 1e-6
# The value of silence.
LOWEST = math.log(_FLOOR)


@keras.saving.register_keras_serializable(package="mtl_keras")
class AudioPreprocessor(FilePreprocessor):
    """Converts recordings to a model's input: log-mel spectrograms.

    Channels are averaged. The first `seconds` are read; shorter recordings are
    padded with silence. Other sample rates are resampled to `sample_rate` by
    cutting or padding the spectrum of these seconds, which cannot alias. Since
    a discrete spectrum is periodic, the end leaks into the first few samples.

    A value is `log(max(power, 1e-6))`, with the power in a mel band of HTK's
    formula under a Hann window, for samples from -1 to 1. Silence and empty
    recordings are -13.8 everywhere.

    ```python
    preprocessor = AudioPreprocessor(16_000, seconds=1.0)
    inputs, context = preprocessor({"audio": wav_bytes})
    inputs["audio"]                  # shape (98, 64)
    ```

    Args:
        sample_rate: Integer, samples per second of the spectrogram's input.
        seconds: Float, the length of a recording that is read.
        num_mels: Integer, number of mel bands. Defaults to 64.
        frame_seconds: Float, length of the window. Defaults to 0.025.
        hop_seconds: Float, step from one frame to the next. Defaults to 0.01.
        low_hz: Float, where the lowest band begins. Defaults to 60.
        high_hz: Float, where the highest band ends. Defaults to half of
            `sample_rate`.
        name: String, the key of the recording in the raw inputs and in the
            model's. Defaults to `"audio"`.

    Raises:
        ValueError: If an argument is out of range, or a band is so narrow that
            no frequency of the spectrum falls into it.
    """

    def __init__(
        self,
        sample_rate: int,
        seconds: float,
        num_mels: int = 64,
        frame_seconds: float = 0.025,
        hop_seconds: float = 0.01,
        low_hz: float = 60.0,
        high_hz: float | None = None,
        name: str = "audio",
    ):
        self.sample_rate = sample_rate
        self.seconds = seconds
        self.num_mels = num_mels
        self.frame_seconds = frame_seconds
        self.hop_seconds = hop_seconds
        self.low_hz = low_hz
        self.high_hz = high_hz
        self.name = checks.input_name("name", name)
        self._check_numbers()
        if high_hz is None:
            self.high_hz = sample_rate / 2
        self._check()

    def __call__(self, raw):
        """Converts one recording or a batch to the model's input.

        Args:
            raw: Dict with one string tensor under the key `name`, or the
                tensor, of shape `()` or `(batch,)`: the bytes of wav files of
                16-bit PCM samples, any number of channels, and 1,000 to
                384,000 samples per second.

        Returns:
            Pair `(inputs, context)`: `inputs[name]` is a float32 tensor of
            shape `(num_frames, num_mels)`, with a leading batch axis where
            `raw` has one; `context["seconds"]` is float32 of shape `()` or
            `(batch,)`, the length of the original recordings.

        Raises:
            ValueError: If `raw` has another type or shape.
            tf.errors.InvalidArgumentError: At run time, if the bytes are not
                such a file.
        """
        import tensorflow as tf

        contents = self._contents(raw)
        if contents.shape.rank == 0:
            samples, seconds = self._samples(contents)
        else:
            samples, seconds = tf.map_fn(
                self._samples,
                contents,
                fn_output_signature=(
                    tf.TensorSpec((self.num_samples,), tf.float32),
                    tf.TensorSpec((), tf.float32),
                ),
            )
        return {self.name: self._log_mel(samples)}, {"seconds": seconds}

    @property
    def num_samples(self) -> int:
        """The number of samples that are read of a recording."""
        return round(self.sample_rate * self.seconds)

    @property
    def num_frames(self) -> int:
        """The number of frames of a spectrogram."""
        return 1 + (self.num_samples - self._frame) // self._hop

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            "sample_rate": self.sample_rate,
            "seconds": self.seconds,
            "num_mels": self.num_mels,
            "frame_seconds": self.frame_seconds,
            "hop_seconds": self.hop_seconds,
            "low_hz": self.low_hz,
            "high_hz": self.high_hz,
            "name": self.name,
        }

    def __repr__(self):
        """Returns the call that makes this preprocessor."""
        config = self.get_config()
        arguments = ", ".join(f"{k}={v!r}" for k, v in config.items())
        return f"AudioPreprocessor({arguments})"

    @property
    def _frame(self):
        return round(self.sample_rate * self.frame_seconds)

    @property
    def _hop(self):
        return round(self.sample_rate * self.hop_seconds)

    @property
    def _fft_length(self):
        # The next power of two; the rest is padded with zeros.
        return 1 << (self._frame - 1).bit_length()

    def _check_numbers(self):
        for key, value in self.get_config().items():
            is_count = key in ("sample_rate", "num_mels")
            kinds = (int,) if is_count else (int, float)
            if key == "name" or (key == "high_hz" and value is None):
                continue
            if isinstance(value, bool) or not (
                isinstance(value, kinds) and 0 <= value < float("inf")
            ):
                raise ValueError(
                    f"AudioPreprocessor expects `{key}` to be "
                    f"{'an integer' if is_count else 'a number'} that is not "
                    f"negative. Received: {key}={value!r}"
                )

    def _check(self):
        if not MIN_RATE <= self.sample_rate <= MAX_RATE:
            raise ValueError(
                f"AudioPreprocessor expects `sample_rate` from {MIN_RATE:,} "
                f"to {MAX_RATE:,}. Received: sample_rate={self.sample_rate!r}"
            )
        if not 1 <= self._hop or not 2 <= self._frame <= self.num_samples:
            raise ValueError(
                "AudioPreprocessor expects a hop of at least 1 sample, and a "
                "frame of at least 2 that is no longer than the recording. "
                f"Received: hop_seconds={self.hop_seconds!r}, "
                f"frame_seconds={self.frame_seconds!r}, seconds="
                f"{self.seconds!r} at sample_rate={self.sample_rate!r}"
            )
        if not self.low_hz < self.high_hz <= self.sample_rate / 2:
            raise ValueError(
                "AudioPreprocessor expects `low_hz` < `high_hz`, which is at "
                f"most half of the sample rate, {self.sample_rate / 2}. "
                f"Received: low_hz={self.low_hz!r}, high_hz={self.high_hz!r}"
            )
        self._check_bands()

    def _check_bands(self):
        edges = _hertz(
            np.linspace(
                _mel(self.low_hz), _mel(self.high_hz), self.num_mels + 2
            )
        )
        bins = np.arange(1, self._fft_length // 2 + 1) * (
            self.sample_rate / self._fft_length
        )
        inside = (bins > edges[:-2, None]) & (bins < edges[2:, None])
        if self.num_mels < 1 or not inside.any(axis=1).all():
            raise ValueError(
                "AudioPreprocessor expects at least one frequency per band; "
                f"the spectrum has one every {bins[0]:.1f} Hz. "
                f"Received: num_mels={self.num_mels!r} from {self.low_hz!r} to "
                f"{self.high_hz!r} Hz. Use fewer bands or a longer "
                "`frame_seconds`."
            )

    def _contents(self, raw):
        import tensorflow as tf

        contents = tf.convert_to_tensor(named_input(raw, self.name))
        if contents.dtype != tf.string or contents.shape.rank not in (0, 1):
            raise ValueError(
                f"AudioPreprocessor expects {self.name!r} to be strings of "
                "shape () or (batch,), each the bytes of a wav file. "
                f"Received: shape {contents.shape}, dtype "
                f"{contents.dtype.name}"
            )
        return contents

    def _samples(self, contents):
        """Reads one recording; returns `(num_samples,)` and its full length."""
        import tensorflow as tf

        channels, rate, length = wav_file.decode(contents, self.seconds)
        rate = tf.cast(rate, tf.float64)
        seconds = tf.cast(tf.cast(length, tf.float64) / rate, tf.float32)
        num = tf.cast(tf.round(rate * self.seconds), tf.int32)
        part = tf.reduce_mean(channels, axis=1)
        part = tf.pad(part, [[0, num - tf.shape(part)[0]]])
        samples = tf.cond(
            tf.equal(rate, self.sample_rate),
            lambda: part,
            lambda: _resampled(part, num, self.num_samples),
        )
        return tf.ensure_shape(samples, (self.num_samples,)), seconds

    def _log_mel(self, samples):
        import tensorflow as tf

        # Not `tf.signal.stft`, which fails on an empty batch if the window is
        # shorter than the transform (TensorFlow 2.21).
        frames = tf.signal.frame(samples, self._frame, self._hop)
        frames *= tf.signal.hann_window(self._frame)
        padding = [[0, 0]] * (samples.shape.rank) + [
            [0, self._fft_length - self._frame]
        ]
        spectrum = tf.signal.rfft(tf.pad(frames, padding))
        bands = tf.signal.linear_to_mel_weight_matrix(
            self.num_mels,
            self._fft_length // 2 + 1,
            self.sample_rate,
            self.low_hz,
            self.high_hz,
        )
        power = tf.tensordot(tf.square(tf.abs(spectrum)), bands, 1)
        return tf.math.log(tf.maximum(power, _FLOOR))


def _resampled(samples, num, num_wanted):
    """Resamples `(num,)` samples to `(num_wanted,)` of the same duration."""
    import tensorflow as tf

    spectrum = tf.signal.rfft(samples)
    # The bin at half of the lower rate, if there is one, has no phase: it is
    # dropped with the bins above it.
    num_bins = (tf.minimum(num, num_wanted) + 1) // 2
    spectrum = tf.pad(
        spectrum[:num_bins], [[0, num_wanted // 2 + 1 - num_bins]]
    )
    scale = num_wanted / tf.cast(num, tf.float64)
    resampled = tf.signal.irfft(spectrum, [num_wanted])
    return resampled * tf.cast(scale, tf.float32)


def _mel(hertz):
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)


def _hertz(mel):
    return 700.0 * np.expm1(mel / 1127.0)
