import keras
import numpy as np
import pytest

from zoo.datasets.digit_clips import clips
from zoo.video import video_cls_motion

_ENTRY = video_cls_motion.VideoClsMotion()
_SMALL = {"width": 0.25, "hidden": 8, "frames": 4, "image_size": 16}


def _build(tasks=None, **overrides):
    return _ENTRY.build(
        _ENTRY.spec("digit_clips", tasks), **{**_SMALL, **overrides}
    )


def _clips(number=2, channels=1):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(number, 4, 16, 16, channels)).astype("float32")


def test_outputs_are_those_of_the_three_tasks():
    outputs = _build().predict({"clip": _clips()}, verbose=0)
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {"digit": (2, 10), "direction": (2, 8), "speed": (2, 1)}


def test_directions_are_those_of_the_data():
    classes = _ENTRY.classes["digit_clips"]
    assert classes["direction"] == clips.DIRECTIONS


def test_speed_is_measured_by_r2():
    (speed,) = _build("speed").tasks.values()
    assert [metric.name for metric in speed.default_metrics()] == ["mae", "r2"]


@pytest.mark.parametrize("sharing", ["cross_stitch", "mmoe"])
def test_trunk_is_shared_by_an_architecture(sharing):
    model = _build(sharing=sharing)
    assert set(model.predict({"clip": _clips()}, verbose=0)) == {
        "digit",
        "direction",
        "speed",
    }


def test_recurrent_trunk_is_reloaded(tmp_path):
    model = _build("digit", trunk="convlstm", channels=3)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    clip = {"clip": _clips(channels=3)}
    np.testing.assert_allclose(
        again.predict(clip, verbose=0)["digit"],
        model.predict(clip, verbose=0)["digit"],
        rtol=1e-5,
        atol=1e-6,
    )


def test_model_of_one_frame_reads_the_middle_one():
    clip = clips.Composer("test").clip(0)
    spec = _ENTRY.spec("digit_clips")
    one = _ENTRY.preprocessor(spec, frames=1)
    inputs, _ = one({"clip": clip.frames})
    expected = clip.frames[clips.MIDDLE][None] / 255
    np.testing.assert_allclose(inputs["clip"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": 0}, "`frames`"),
        ({"image_size": 8}, "at least 16"),
        ({"channels": 2}, "1 .gray. or 3"),
        ({"sampling": "midle"}, "Did you mean 'middle'"),
        ({"dropout": 1.0}, "`dropout` must be a number in"),
        ({"hidden": 0}, "`hidden`"),
        ({"trunk": "convlst"}, "Did you mean 'convlstm'"),
    ],
)
def test_wrong_argument_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        _build(**arguments)
    assert "Received" in str(error.value)
