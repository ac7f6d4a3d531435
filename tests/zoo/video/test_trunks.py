import keras
import numpy as np
import pytest

from zoo.video import trunks


def _trunk(name, width=1.0, frames=16):
    clip = keras.Input((frames, 32, 32, 1), name="clip")
    features = clip
    for stage in trunks.stages(name, width=width):
        features = stage(features)
    return keras.Model(clip, features)


@pytest.mark.parametrize(
    ("name", "channels"), [("r2plus1d", 64), ("convlstm", 32)]
)
def test_clip_becomes_one_feature_map(name, channels):
    assert _trunk(name).output_shape == (None, 4, 4, channels)
    assert _trunk(name, 0.5).output_shape == (None, 4, 4, channels // 2)


@pytest.mark.parametrize("frames", [1, 5])
def test_any_number_of_frames_is_read(frames):
    assert _trunk("r2plus1d", 0.5, frames).output_shape == (None, 4, 4, 32)


@pytest.mark.parametrize("name", trunks.NAMES)
def test_order_of_frames_matters(name):
    keras.utils.set_random_seed(0)
    model = _trunk(name, 0.5, 8)
    clip = np.random.default_rng(0).uniform(size=(1, 8, 32, 32, 1))
    forward = model.predict(clip, verbose=0)
    backward = model.predict(clip[:, ::-1], verbose=0)
    assert np.abs(forward - backward).max() > 1e-3 * np.abs(forward).max()


def test_mean_is_over_the_frames():
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 5, 6))
    mean = trunks.MeanOverFrames()(maps.astype("float32"))
    np.testing.assert_allclose(mean, maps.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trunk": "r2plus"}, "Did you mean 'r2plus1d'"),
        ({"width": 0}, "`width`"),
        ({"trunk": None}, "Expected one of 'convlstm', 'r2plus1d'"),
    ],
)
def test_wrong_argument_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        trunks.stages(**arguments)
