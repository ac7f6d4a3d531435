import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.datasets.multi_digit import builder
from zoo.vision import multi_digit, trunks

_ENTRY = multi_digit.MultiDigit()


def _build(tasks=None, **overrides):
    return _ENTRY.build(_ENTRY.spec("multi_digit", tasks), **overrides)


@pytest.mark.parametrize("trunk", ["lenet", "small"])
def test_outputs_are_those_of_both_tasks(trunk):
    model = _build(trunk=trunk)
    image = np.zeros((2, 36, 36, 1), "float32")
    outputs = model.predict({"image": image}, verbose=0)
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {"left": (2, 10), "right": (2, 10)}


def test_lenet_has_the_layers_of_the_paper():
    image = keras.Input((28, 28, 1))
    model = keras.Model(image, trunks.build(image, "lenet"))
    # 5 x 5 x 1 x 10 + 10, 5 x 5 x 10 x 20 + 20, 4 x 4 x 20 x 50 + 50: the
    # paper's image is reduced to 28x28.
    assert model.count_params() == 260 + 5_020 + 16_050
    assert model.output_shape == (None, 50)
    wide = trunks.build(keras.Input((28, 28, 1)), "lenet", width=2)
    assert wide.shape == (None, 100)


def test_image_and_canvas_have_one_size():
    spec = _ENTRY.spec("multi_digit")
    assert _ENTRY.preprocessor(spec).height == builder.CANVAS


@pytest.mark.parametrize("sharing", ["cross_stitch", "mmoe"])
def test_trunk_is_shared_by_an_architecture(sharing):
    model = _build(trunk="lenet", sharing=sharing)
    assert list(model.tasks) == ["left", "right"]


def test_digits_stay_on_their_side():
    image = np.zeros((16, 36, 36, 1), "float32")
    image[:, :10, :10], image[:, 26:, 26:] = 1.0, 0.5
    change = _ENTRY.augmentation(_ENTRY.spec("multi_digit"))
    inputs, _ = change(
        {"image": tf.constant(image)}, {}, seed=tf.constant([1, 2], tf.int64)
    )
    changed = inputs["image"].numpy()
    assert np.abs(changed - image).max() > 0
    assert (changed[:, :16, :16].max((1, 2, 3)) > 0.9).all()
    assert (changed[:, 20:, 20:].max((1, 2, 3)) > 0.45).all()
    assert changed[:, :14, 22:].max() == changed[:, 22:, :14].max() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": ("lef",)}, "Did you mean 'left'"),
        ({"image_size": 8}, "at least 16"),
        ({"hidden": 0}, "`hidden`"),
        ({"dropout": 1.0}, "`dropout` must be a number in"),
        ({"trunk": "lenett"}, "Did you mean 'lenet'"),
        ({"trunk": "lenet", "width": 0}, "`width`"),
    ],
)
def test_wrong_argument_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        _build(**arguments)
    assert "Received" in str(error.value)
