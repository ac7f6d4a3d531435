"""Changes of log-mel spectrograms are those of the sounds."""

import math

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.data import AudioPreprocessor, augment, spectrograms
from tests.mtl_keras.data.hostile_files import wav

SEED = tf.constant([3, 5], tf.int64)
SILENCE = math.log(1e-6)
STEPS = [
    spectrograms.ShiftTime(0.2, 0.3),
    spectrograms.Gain(9.0),
    spectrograms.Hiss(-9.0, -3.0),
    spectrograms.Mask(0.3, 0.3),
]


def sounds(batch=8, frames=20, bands=10):
    rng = np.random.default_rng(0)
    return rng.uniform(-5, 1, (batch, frames, bands)).astype("float32")


@pytest.mark.parametrize("step", STEPS)
def test_draws_depend_on_the_seed_and_differ_within_a_batch(step):
    inputs = {"audio": np.repeat(sounds(1), 3, axis=0), "other": np.ones(3)}
    change = augment.Compose([step])
    first, labels = change(inputs, {"a": np.arange(3)}, seed=SEED)
    again, _ = change(inputs, {}, seed=SEED)
    other, _ = change(inputs, {}, seed=SEED + 1)
    np.testing.assert_array_equal(first["audio"], again["audio"])
    assert not np.array_equal(first["audio"], other["audio"])
    assert not np.array_equal(first["audio"][0], first["audio"][1])
    assert first["audio"].shape == inputs["audio"].shape
    np.testing.assert_array_equal(labels["a"], np.arange(3))
    np.testing.assert_array_equal(first["other"], np.ones(3))


def test_shift_moves_frames_and_leaves_silence():
    before = sounds(batch=200)
    step = spectrograms.ShiftTime(earlier=0.1, later=0.2)
    after = step(before, {}, seed=SEED)[0].numpy()
    shifts = set()
    for old, new in zip(before, after, strict=True):
        (shift,) = (
            shift
            for shift in range(-9, 10)
            if np.array_equal(
                new[max(shift, 0) : 20 + min(shift, 0)],
                old[max(-shift, 0) : 20 - max(shift, 0)],
            )
        )
        gap = new[:shift] if shift > 0 else new[20 + shift :]
        np.testing.assert_allclose(gap, SILENCE, rtol=1e-6)
        shifts.add(shift)
    # Of 20 frames: 2 earlier, 4 later.
    assert shifts == set(range(-2, 5))


def test_gain_is_that_of_the_samples():
    time = np.arange(1600) / 8000
    samples = 0.3 * np.sin(2 * np.pi * 440 * time)
    reader = AudioPreprocessor(8000, 0.2, num_mels=20)
    loud, soft = (
        reader(tf.constant(wav(samples * factor, rate=8000)))
        for factor in (1.0, 0.5)
    )
    before = np.repeat(loud[0]["audio"][None], 500, axis=0)
    after = spectrograms.Gain(6.0206)(before, {}, seed=SEED)[0].numpy()
    # A band of the tone alone; others hold rounding errors.
    band = int(before[0, 5].argmax())
    gains = after[:, 5, band] - before[:, 5, band]
    half = soft[0]["audio"][5, band] - loud[0]["audio"][5, band]
    assert gains.min() == pytest.approx(float(half), abs=0.03)
    assert gains.max() == pytest.approx(-float(half), abs=0.03)


def test_gain_leaves_silence_alone_and_goes_no_lower():
    before = np.full((50, 4, 3), SILENCE, "float32")
    before[:, 0] = SILENCE + 0.1
    after = spectrograms.Gain(20.0)(before, {}, seed=SEED)[0].numpy()
    np.testing.assert_array_equal(after[:, 1:], before[:, 1:])
    assert after.min() == before.min()


def test_hiss_adds_its_power():
    level = -4.0
    before = np.full((2, 400, 300), -5.0, "float32")
    after = spectrograms.Hiss(level, level)(before, {}, seed=SEED)[0].numpy()
    added = np.exp(after.astype("float64")) - math.exp(-5.0)
    # Exponentially distributed: mean and standard deviation are the power.
    assert added.mean() == pytest.approx(math.exp(level), rel=0.02)
    assert added.std() == pytest.approx(math.exp(level), rel=0.02)
    assert (after >= before - 1e-5).all()


def test_mask_hides_whole_bands_and_frames():
    before = sounds(batch=300)
    step = spectrograms.Mask(bands=0.3, frames=0.2)
    after = step(before, {}, seed=SEED)[0].numpy()
    hidden = after != before
    widths = {"frames": set(), "bands": set()}
    for mask, old, new in zip(hidden, before, after, strict=True):
        frames, bands = mask.all(axis=1), mask.all(axis=0)
        np.testing.assert_array_equal(mask, frames[:, None] | bands[None])
        np.testing.assert_allclose(new[mask], old.mean(), rtol=1e-5)
        for name, places in (("frames", frames), ("bands", bands)):
            widths[name].add(int(places.sum()))
            # One interval: it begins at most once.
            assert (np.diff(places.astype(int)) > 0).sum() <= 1
    assert widths == {"frames": {*range(5)}, "bands": {*range(4)}}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: spectrograms.ShiftTime(later=1.5), "`later`"),
        (lambda: spectrograms.Gain(-1.0), "`decibels`"),
        (lambda: spectrograms.Hiss(-1.0, -2.0), "`low` <= `high`"),
        (lambda: spectrograms.Mask(bands=-0.1), "`bands`"),
        (
            lambda: spectrograms.Gain()({"sound": sounds()}, {}, seed=SEED),
            "audio",
        ),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
