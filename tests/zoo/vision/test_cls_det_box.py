import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.vision import cls_det_box

_ENTRY = cls_det_box.ClsDetBox()


def _build(tasks=None, **overrides):
    return _ENTRY.build(_ENTRY.spec("digit_scenes", tasks), **overrides)


def test_outputs_are_the_three_answers():
    model = _build(image_size=32)
    image = np.zeros((2, 32, 32, 1), "float32")
    outputs = model.predict({"image": image}, verbose=0)
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {"cls": (2, 10), "det": (2, 1), "box": (2, 4)}


def test_asked_tasks_only():
    model = _build(tasks=("box",), image_size=32)
    assert list(model.tasks) == ["box"]


@pytest.mark.sampled
@pytest.mark.parametrize("trunk", ["small", "plain", "MobileNetV2"])
def test_reloaded_model_gives_the_same_answers(trunk, tmp_path):
    model = _build(trunk=trunk, image_size=32)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).uniform(size=(2, 32, 32, 1)).astype("float32")
    expected = model.predict({"image": x}, verbose=0)
    for name, value in again.predict({"image": x}, verbose=0).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": ("bx",)}, "Did you mean 'box'"),
        ({"tasks": ()}, "at least one"),
        ({"image_size": 8}, "at least 16"),
        ({"image_size": 64.5}, "at least 16"),
        ({"dropout": 1.0}, "`dropout` must be a number in"),
        ({"trunk": "smal"}, "Did you mean 'small'"),
    ],
)
def test_wrong_argument_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        _build(**arguments)
    assert "Received" in str(error.value)


def test_augmentation_keeps_the_digit_whole_and_the_box_on_it():
    # A bright rectangle in the dark stands for the digit.
    image = np.zeros((64, 64, 64, 1), "float32")
    image[:, 20:40, 30:45] = 0.6
    box = np.tile(np.array([30, 20, 45, 40], "float32") / 64, (64, 1))
    box[::4] = np.nan
    change = _ENTRY.augmentation(_ENTRY.spec("digit_scenes"))
    labels = {"box": tf.constant(box), "det": tf.ones(64, tf.int32)}
    inputs, changed = change(
        {"image": tf.constant(image)},
        labels,
        seed=tf.constant([1, 2], tf.int64),
    )
    moved = changed["box"].numpy()
    assert np.isnan(moved[::4]).all()
    assert np.abs(moved[1] - box[1]).max() > 0
    for number in range(64):
        if number % 4 == 0:
            continue
        pixels = inputs["image"].numpy()[number, ..., 0]
        lit = pixels > (pixels.max() + pixels.min()) / 2
        rows = np.flatnonzero(lit.any(axis=1))
        columns = np.flatnonzero(lit.any(axis=0))
        seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose(
            np.array(seen) / 64, moved[number], atol=1.01 / 64
        )
