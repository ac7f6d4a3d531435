"""The map that the box head reads over a pretrained trunk."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from mtl_keras import export, graph
from mtl_keras.training import stages
from tests.serving_process import serve
from tests.test_case import assert_close, to_numpy
from zoo.pretrained import efficientnet_lite0
from zoo.vision import cls_det_box, pyramid

LITE0 = efficientnet_lite0.NAME
ENTRY = cls_det_box.ClsDetBox()


@pytest.fixture
def without_weights(monkeypatch):
    """EfficientNet-Lite0 with random weights, its package or not."""
    build = efficientnet_lite0.build
    monkeypatch.setattr(
        efficientnet_lite0,
        "build",
        lambda *args, **kwargs: build(*args, **{**kwargs, "weights": None}),
    )


def maps(sizes):
    return {
        level: keras.Input((size, size, 3 + size), name=level)
        for level, size in sizes.items()
    }


@pytest.mark.parametrize(
    "sizes",
    [
        {"P4": 14, "P5": 7},
        {"P4": 7, "P5": 4},
        {"P3": 13, "P4": 7, "P5": 4},
        {"P5": 7},
    ],
)
def test_result_has_the_size_of_the_finest_map(sizes):
    merged = pyramid.merge(maps(sizes), "box", channels=8)
    finest = max(sizes.values())
    assert merged.shape == (None, finest, finest, 8)


def test_coarse_map_reaches_the_place_it_is_of():
    inputs = maps({"P4": 8, "P5": 4})
    keras.utils.set_random_seed(0)
    merged = pyramid.merge(inputs, "box", channels=32)
    model = keras.Model(inputs, merged)
    values = {
        k: np.zeros((1, *x.shape[1:]), "float32") for k, x in inputs.items()
    }
    before = to_numpy(model(values))
    values["P5"][0, 0, 3] = 5.0
    changed = np.abs(to_numpy(model(values)) - before).max((0, 3)) > 1e-6
    # Two convolutions, of 3 and of 5, see no further than 3 positions.
    assert changed[0, 7]
    assert not changed[6:].any()
    assert not changed[:, :2].any()


def test_heads_own_all_but_the_pretrained_trunk(without_weights):
    spec = ENTRY.spec("digit_scenes")
    model = ENTRY.build(spec, trunk=LITE0, image_size=64, dropout=0.2)
    shared = graph.partition(model).shared_variables
    trunk = model.get_layer("trunk")
    assert {id(v) for v in shared} == {id(v) for v in trunk.variables}
    assert model.get_layer("box_attention").output.shape[1:3] == (4, 4)
    frozen = ENTRY.build(spec, trunk=LITE0, image_size=64, trainable="none")
    assert not [v for v in frozen.trainable_variables if "trunk" in v.path]


def test_pretrained_statistics_stay_while_the_trunk_is_trained(
    without_weights,
):
    spec = ENTRY.spec("digit_scenes", ("cls", "box"))
    model = ENTRY.build(spec, trunk=LITE0, image_size=32)
    trunk = model.get_layer("trunk")
    trained = {v.path for v in trunk.trainable_variables}
    assert trained and not [path for path in trained if "_norm/" in path]
    before = {v.path: to_numpy(v) for v in trunk.variables}
    x = np.random.default_rng(0).uniform(size=(4, 32, 32, 3))
    # As `fit` calls it, whatever the model was built with.
    model({"image": x}, training=True)
    for variable in trunk.variables:
        np.testing.assert_array_equal(
            to_numpy(variable), before[variable.path], err_msg=variable.path
        )


def test_photographs_are_mirrored_and_drawings_are_not():
    spec = ENTRY.spec("digit_scenes")
    names = {
        trunk: [
            type(s).__name__
            for s in ENTRY.augmentation(spec, trunk=trunk).steps
        ]
        for trunk in ("small", LITE0)
    }
    assert "Flip" in names[LITE0]
    assert "Flip" not in names["small"]
    steps = ENTRY.augmentation(spec, trunk=LITE0, flip=False).steps
    assert "Flip" not in [type(step).__name__ for step in steps]
    with pytest.raises(ValueError, match="flip"):
        ENTRY.build(spec, flip="yes")


def test_stages_adapt_the_pretrained_trunk_of_one_task_too(without_weights):
    model = zoo.load("cls_det_box", tasks="cls", trunk=LITE0, image_size=32)
    every = len(model.trainable_variables)
    stages.adapt(model, "none")
    assert not [v for v in model.trainable_variables if "stage" in v.path]
    stages.adapt(model, "all")
    assert len(model.trainable_variables) == every > 50
    with pytest.raises(ValueError, match="overrides.trainable=lora"):
        stages.adapt(model, "lora")


@pytest.mark.slow
def test_export_takes_image_bytes_and_needs_tensorflow_only(
    without_weights, tmp_path
):
    spec = ENTRY.spec("digit_scenes")
    model = ENTRY.build(spec, trunk=LITE0, image_size=64)
    preprocessor = ENTRY.preprocessor(spec, trunk=LITE0, image_size=64)
    folder = export.saved_model(
        model,
        tmp_path / "1",
        preprocessor,
        ENTRY.postprocessor(spec, image_size=64),
    )
    pixels = np.random.default_rng(0).integers(0, 256, (40, 80, 3), "uint8")
    image = tf.io.encode_jpeg(pixels).numpy()
    calls = {
        ("serving_default", 1): {"image": [image]},
        ("box", 1): {"image": [image]},
    }
    answers = serve(folder, calls)
    inputs, _ = preprocessor({"image": tf.constant([image])})
    expected = model(inputs, training=False)
    whole = answers["serving_default", 1]
    assert_close(whole["cls"], expected["cls"], rtol=1e-4, atol=1e-6)
    assert_close(whole["det"], expected["det"], rtol=1e-4, atol=1e-6)
    assert whole["cls_name"][0].decode() in spec.classes["cls"]
    # Pixels of the image that was sent: 80 wide, half as high.
    assert_close(answers["box", 1]["box"], whole["box"])
