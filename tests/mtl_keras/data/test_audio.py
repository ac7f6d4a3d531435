"""Recordings become log-mel spectrograms, as NumPy and SciPy compute them."""

import io
import struct
import wave

import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from mtl_keras.data import AudioPreprocessor, wav_file

RATE = 8000


def noise(num, seed=0):
    samples = np.random.default_rng(seed).normal(scale=0.1, size=num)
    return np.clip(samples, -1, 1)


def written(samples, rate=RATE):
    """A wav file of another library; samples `(n,)` or `(n, channels)`."""
    samples = np.asarray(samples)
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        wav.setsampwidth(2)
        wav.setframerate(rate)
        wav.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


def read(wav):
    """The samples that a file of one channel holds."""
    with wave.open(io.BytesIO(wav)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return samples / 2**15


def with_chunks(wav, before=b"", behind=b""):
    return wav[:12] + before + wav[12:36] + behind + wav[36:]


def mel_matrix(num_mels, num_bins, rate, low, high):
    """Triangles over HTK's mels, bin by bin."""

    def mel(hertz):
        return 2595 * np.log10(1 + hertz / 700)

    edges = np.linspace(mel(low), mel(high), num_mels + 2)
    matrix = np.zeros((num_bins, num_mels))
    for row in range(1, num_bins):
        place = mel(row * rate / 2 / (num_bins - 1))
        for band in range(num_mels):
            left, top, right = edges[band : band + 3]
            up = (place - left) / (top - left)
            down = (right - place) / (right - top)
            matrix[row, band] = max(0.0, min(up, down))
    return matrix


def log_mel(samples, preprocessor):
    frame, hop = 200, 80
    window = scipy.signal.get_window("hann", frame)
    rows = []
    for start in range(0, len(samples) - frame + 1, hop):
        spectrum = np.fft.rfft(samples[start : start + frame] * window, 256)
        rows.append(np.abs(spectrum) ** 2)
    bands = mel_matrix(
        preprocessor.num_mels,
        129,
        RATE,
        preprocessor.low_hz,
        preprocessor.high_hz,
    )
    return np.log(np.maximum(np.array(rows) @ bands, 1e-6))


@pytest.fixture(scope="module")
def preprocessor():
    return AudioPreprocessor(RATE, 1.0, num_mels=20)


def test_values_are_those_of_numpy_and_scipy(preprocessor):
    wav = written(noise(RATE))
    inputs, context = preprocessor({"audio": wav})
    expected = log_mel(read(wav), preprocessor)
    assert inputs["audio"].shape == expected.shape == (98, 20)
    np.testing.assert_allclose(inputs["audio"], expected, atol=1e-3)
    np.testing.assert_allclose(context["seconds"], 1.0)


def test_samples_are_those_of_the_kernel_of_tensorflow():
    wav = written(noise(600).reshape(200, 3))
    samples, rate, num = wav_file.decode(wav, 1.0)
    expected = tf.audio.decode_wav(wav)
    np.testing.assert_array_equal(samples, expected.audio)
    assert (int(rate), int(num)) == (RATE, 200)


def test_channels_are_averaged(preprocessor):
    left = noise(RATE)
    both = np.stack([left, np.zeros(RATE)], axis=1)
    stereo, _ = preprocessor(written(both))
    mono, _ = preprocessor(written(left))
    # Half the amplitude is a quarter of the power.
    loud = mono["audio"] > -5
    np.testing.assert_allclose(
        stereo["audio"][loud],
        mono["audio"][loud] - np.log(4),
        atol=1e-3,
    )


@pytest.mark.parametrize("rate", [4000, 11025, 44100, 48000])
def test_another_rate_gives_what_scipy_makes_of_it(preprocessor, rate):
    # Without what lies at half of the lower rate, of which there is a
    # choice.
    wav = written(np.convolve(noise(rate), np.ones(2) / 2, "same"), rate)
    inputs, context = preprocessor(wav)
    samples = scipy.signal.resample(read(wav), RATE)
    expected = log_mel(samples, preprocessor)
    # Where there is something: cutting leaves other rounding noise behind.
    loud = expected > -5
    assert loud.mean() > 0.3
    np.testing.assert_allclose(inputs["audio"][loud], expected[loud], atol=0.02)
    np.testing.assert_allclose(context["seconds"], 1.0)


def test_what_lies_above_half_of_the_rate_leaves_nothing(preprocessor):
    times = np.arange(48000) / 48000
    inputs, _ = preprocessor(
        written(0.9 * np.sin(2 * np.pi * 6000 * times), 48000)
    )
    # As a folded tone it would be some 8, at 2,000 Hz.
    assert np.max(inputs["audio"]) < -8


@pytest.mark.parametrize("rate", [1000, 44101, 384_000])
def test_odd_rates(preprocessor, rate):
    inputs, context = preprocessor(written(noise(rate), rate))
    assert np.isfinite(inputs["audio"]).all()
    np.testing.assert_allclose(context["seconds"], 1.0)


def test_silence_and_nothing_are_the_floor(preprocessor):
    wavs = [written(np.zeros(RATE)), written(np.zeros(0))]
    inputs, context = preprocessor(wavs)
    np.testing.assert_allclose(inputs["audio"], np.log(1e-6))
    np.testing.assert_array_equal(context["seconds"], [1.0, 0.0])


def test_length_is_fixed_and_the_true_one_is_told(preprocessor):
    long = noise(2 * RATE + 4)
    inputs, context = preprocessor([written(long), written(long[:800])])
    np.testing.assert_allclose(context["seconds"], [2.0005, 0.1])
    first, _ = preprocessor(written(long[:RATE]))
    np.testing.assert_array_equal(inputs["audio"][0], first["audio"])
    np.testing.assert_allclose(inputs["audio"][1, 12:], np.log(1e-6))


def test_a_batch_equals_its_recordings_one_by_one(preprocessor):
    wavs = [
        written(noise(RATE, seed=s), rate)
        for s, rate in ((0, RATE), (1, 11025))
    ]
    together, context = preprocessor({"audio": wavs})
    for index, wav in enumerate(wavs):
        alone, one = preprocessor({"audio": wav})
        np.testing.assert_allclose(
            together["audio"][index], alone["audio"], atol=1e-5
        )
        np.testing.assert_array_equal(context["seconds"][index], one["seconds"])


def test_an_empty_batch(preprocessor):
    inputs, context = preprocessor(tf.zeros((0,), tf.string))
    assert inputs["audio"].shape == (0, 98, 20)
    assert context["seconds"].shape == (0,)


def test_shapes_are_known_inside_a_graph(preprocessor):
    dataset = tf.data.Dataset.from_tensors({"audio": written(noise(9))})
    inputs, context = dataset.map(preprocessor).element_spec
    assert inputs["audio"].shape == (98, 20)
    assert context["seconds"].shape == ()
    inputs, _ = dataset.batch(2).map(preprocessor).element_spec
    assert inputs["audio"].shape == (None, 98, 20)


def test_other_parts_of_a_file_are_passed_over(preprocessor):
    wav = written(noise(RATE))
    expected, _ = preprocessor(wav)
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    for other in (
        with_chunks(wav, before=odd),
        with_chunks(wav, behind=odd),
        wav + odd,
        wav + b"x",
    ):
        inputs, _ = preprocessor(other)
        np.testing.assert_array_equal(inputs["audio"], expected["audio"])


def test_extensible_header(preprocessor):
    wav = written(noise(RATE))
    # The format's code 0xFFFE, and 24 bytes more, of which two are the code.
    layout = struct.pack("<I", 40) + b"\xfe\xff" + wav[22:36]
    more = struct.pack("<HHIH", 22, 16, 4, 1) + b"\0" * 14
    inputs, _ = preprocessor(wav[:16] + layout + more + wav[36:])
    np.testing.assert_array_equal(
        inputs["audio"], preprocessor(wav)[0]["audio"]
    )


def test_no_end_of_parts_is_an_error(preprocessor):
    parts = (b"LIST" + struct.pack("<I", 0)) * 65
    with pytest.raises(tf.errors.InvalidArgumentError, match="64 chunks"):
        preprocessor(with_chunks(written(noise(9)), behind=parts))


def test_saved_beside_a_model():
    preprocessor = AudioPreprocessor(16_000, 2.0, high_hz=7000.0, name="wav")
    config = keras.saving.serialize_keras_object(preprocessor)
    again = keras.saving.deserialize_keras_object(config)
    assert again == preprocessor
    assert hash(again) == hash(preprocessor)
    assert again != AudioPreprocessor(16_000, 2.0)
    assert "high_hz=7000.0" in repr(again)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sample_rate": 0}, "sample_rate=0"),
        ({"sample_rate": 8000.5}, "an integer .*sample_rate=8000.5"),
        ({"seconds": float("nan")}, "seconds=nan"),
        ({"seconds": 0.01}, "no longer than the recording"),
        ({"num_mels": 0}, "num_mels=0"),
        ({"num_mels": 200}, "Use fewer bands"),
        ({"hop_seconds": 0.0}, "hop_seconds=0.0"),
        ({"high_hz": 4001.0}, "high_hz=4001.0"),
        ({"low_hz": 4000.0}, "low_hz=4000.0"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        AudioPreprocessor(**{"sample_rate": RATE, "seconds": 1.0, **arguments})


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"adio": b""}, "mean 'audio'"),
        (np.zeros(RATE), "dtype float64"),
        ([[b""]], r"shape \(1, 1\)"),
    ],
)
def test_what_is_no_recording(preprocessor, raw, message):
    with pytest.raises(ValueError, match=message):
        preprocessor(raw)
