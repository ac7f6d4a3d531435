"""The head of masks: a class for each pixel, missing pixels included."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, Task
from tests.test_case import assert_close, to_numpy

TASK = Task("area", "mask", class_names=("ground", "pet", "sky"))


def mask_model(shape=(4, 5, 6), **options):
    keras.utils.set_random_seed(0)
    features = keras.Input(shape, name="features")
    output = TASK.head.build(features, TASK, **options)
    return MultiTaskModel(features, {"area": output}, tasks=[TASK])


def features_of(shape=(4, 5, 6), batch=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(batch, *shape)).astype("float32")


@pytest.mark.parametrize("size", [None, (8, 10), (7, 13), (32, 5)])
def test_output_is_a_probability_of_each_class_and_pixel(size):
    model = mask_model(size=size, hidden=8, dropout=0.5)
    answer = model.predict(features_of(), verbose=0)["area"]
    assert answer.shape == (3, *(size or (4, 5)), 3)
    assert answer.dtype == np.float32
    assert_close(answer.sum(-1), np.ones(answer.shape[:-1]))
    assert model.layers[-1].name == "area"


def test_mask_lies_where_the_features_are():
    model = mask_model((4, 4, 3), size=(16, 16))
    kernel, bias = model.get_layer("area_scores").weights
    kernel.assign(20 * np.eye(3)[None, None])
    bias.assign(np.zeros(3))
    features = np.zeros((1, 4, 4, 3), "float32")
    features[..., 0] = 1
    features[0, 1, 2] = [0, 1, 0]
    answer = model.predict(features, verbose=0)["area"][0].argmax(-1)
    expected = np.zeros((16, 16), int)
    # Bilinear: between cell and neighbour the border lies half way.
    expected[4:8, 8:12] = 1
    differing = (answer != expected).sum()
    assert differing <= 16 and (answer[5:7, 9:11] == 1).all()


@pytest.mark.sampled
@pytest.mark.parametrize("jit_compile", [True, False])
def test_pixels_without_a_label_do_not_count(jit_compile):
    labels = np.random.default_rng(1).integers(0, 3, (3, 8, 10), "int32")
    labels[0] = -1
    labels[1, :4] = -1
    model = mask_model(size=(8, 10), hidden=8)
    model.compile(keras.optimizers.SGD(1.0), jit_compile=jit_compile)
    x = features_of()
    probability = model.predict(x, verbose=0)["area"]
    before = [to_numpy(v) for v in model.trainable_variables]
    logs = model.fit(x, {"area": labels}, verbose=0).history
    present = labels >= 0
    chosen = probability[present, labels[present]]
    assert_close(logs["area_loss"][0], -np.log(chosen).mean(), rtol=1e-5)
    hit = [
        [
            ((probability.argmax(-1) == c) & (labels == c) & present).sum(),
            (((probability.argmax(-1) == c) | (labels == c)) & present).sum(),
        ]
        for c in range(3)
    ]
    expected = np.mean([both / either for both, either in hit])
    assert_close(logs["area_iou"][0], expected, rtol=1e-5)
    assert "area_dice" in logs
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert np.abs(to_numpy(variable) - old).max() > 0, variable.path


def test_reloaded_head_gives_the_same_answer(tmp_path):
    model = mask_model(size=(7, 13), hidden=8)
    model.save(tmp_path / "head.keras")
    again = keras.saving.load_model(tmp_path / "head.keras")
    x = features_of()
    assert_close(
        again.predict(x, verbose=0)["area"], model.predict(x, verbose=0)["area"]
    )
    assert again.tasks["area"] == TASK


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((6,), {}, "needs a feature map .* Received: features of shape"),
        ((4, 5, 6), {"size": (3, 5)}, "height of `size`"),
        ((4, 5, 6), {"size": (4, 4)}, "width of `size`"),
    ],
)
def test_wrong_features_or_size(shape, options, message):
    with pytest.raises(ValueError, match=message):
        mask_model(shape, **options)
