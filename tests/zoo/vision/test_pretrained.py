import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import MultiTaskModel, Task, export
from mtl_keras.data import ImagePreprocessor
from tests.serving_process import serve
from tests.test_case import assert_close, to_numpy
from zoo.pretrained import efficientnet_lite0
from zoo.pretrained.adaptation import adapt_trunk
from zoo.vision import pretrained, trunks

LITE0 = efficientnet_lite0.NAME
IMAGES = np.random.default_rng(0).uniform(size=(2, 32, 32, 3)).astype("float32")


def save_preset(folder, backbone):
    import keras_hub

    backbone.save_to_preset(str(folder))
    converter = keras_hub.layers.ImageConverter(
        scale=[0.01, 0.02, 0.03], offset=[-1.0, 0.0, 1.0]
    )
    converter.save_to_preset(str(folder))
    return f"hub:{folder}"


@pytest.fixture(scope="module")
def convolutional(tmp_path_factory):
    hub = pytest.importorskip("keras_hub", reason="needs the extra hub")
    backbone = hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 16],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        image_shape=(None, None, 3),
    )
    return save_preset(tmp_path_factory.mktemp("resnet"), backbone)


@pytest.fixture(scope="module")
def transformer(tmp_path_factory):
    hub = pytest.importorskip("keras_hub", reason="needs the extra hub")
    backbone = hub.models.ViTBackbone(
        image_shape=(32, 32, 3),
        patch_size=(8, 8),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        mlp_dim=16,
    )
    return save_preset(tmp_path_factory.mktemp("vit"), backbone)


def image_input(size=32, channels=3):
    return keras.Input((size, size, channels), name="image")


def make_model(trunk, **arguments):
    keras.utils.set_random_seed(0)
    image = image_input()
    features = pretrained.build(image, trunk, **arguments)
    features = keras.layers.GlobalAveragePooling2D()(features)
    tasks = [Task(name, "classification", num_classes=2) for name in "ab"]
    outputs = {t.name: t.head.build(features, t) for t in tasks}
    return MultiTaskModel({"image": image}, outputs, tasks=tasks)


def outputs_of(model):
    outputs = model({"image": IMAGES}, training=False)
    return {task: to_numpy(output) for task, output in outputs.items()}


def train(model):
    model.compile(keras.optimizers.SGD(0.1), jit_compile=True)
    labels = np.array([1, 1])
    model.fit({"image": IMAGES}, {"a": labels, "b": labels}, verbose=0)


def test_backbone_sees_pixels_on_its_own_scale(convolutional):
    from zoo.pretrained import hub

    image = image_input()
    features = pretrained.build(image, convolutional)
    backbone = hub.load_backbone(convolutional)
    scaled = 255 * IMAGES * np.array([0.01, 0.02, 0.03]) + [-1.0, 0.0, 1.0]
    expected = backbone(scaled.astype("float32"))
    received = keras.Model(image, features)(IMAGES)
    assert_close(received, expected, rtol=1e-4, atol=1e-5)


def test_pyramid_of_a_backbone(convolutional):
    maps = pretrained.build(image_input(), convolutional, levels=("P2", "P3"))
    shapes = {level: tuple(x.shape) for level, x in maps.items()}
    assert set(shapes) == {"P2", "P3"}
    assert shapes["P2"][1] == 2 * shapes["P3"][1]


@pytest.mark.parametrize("levels", [("P3",), ("P3", "P5")])
def test_pyramid_of_lite0(levels):
    maps = pretrained.build(image_input(), LITE0, levels=levels, weights=False)
    sizes = {"P3": 4, "P5": 1}
    assert {k: x.shape[1] for k, x in maps.items()} == {
        level: sizes[level] for level in levels
    }


def test_sequence_of_patches_becomes_a_map(transformer):
    from zoo.pretrained import hub

    image = image_input()
    features = pretrained.build(image, transformer)
    assert features.shape == (None, 4, 4, 8)
    model = keras.Model(image, features)
    scaled = 255 * IMAGES * np.array([0.01, 0.02, 0.03]) + [-1.0, 0.0, 1.0]
    tokens = to_numpy(hub.load_backbone(transformer)(scaled.astype("float32")))
    # The class token comes first; patches run row by row.
    assert_close(model(IMAGES)[:, 1, 2], tokens[:, 1 + 6], rtol=1e-4, atol=1e-5)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("kind", "trainable"),
    [
        ("convolutional", "all"),
        ("convolutional", "none"),
        ("transformer", "lora"),
        ("lite0", "none"),
    ],
)
def test_trained_model_is_reloaded(request, kind, trainable, tmp_path):
    trunk = LITE0 if kind == "lite0" else request.getfixturevalue(kind)
    model = make_model(trunk, trainable=trainable, weights=kind != "lite0")
    heads = {f"{task}/{part}" for task in "ab" for part in ("kernel", "bias")}
    before = {v.path: to_numpy(v) for v in model.weights}
    train(model)
    changed = {
        v.path
        for v in model.weights
        if not np.array_equal(to_numpy(v), before[v.path])
    }
    if trainable == "none":
        # Statistics of batch normalization stay as well.
        assert len(model.trainable_variables) == 4
        assert changed and changed <= heads
    if trainable == "lora":
        names = {path.split("/")[-1] for path in changed - heads}
        # The first matrix has no gradient while the second is 0.
        assert names == {"lora_kernel_b"}
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    expected, received = outputs_of(model), outputs_of(again)
    for task in expected:
        np.testing.assert_array_equal(received[task], expected[task])
    assert len(again.trainable_variables) == len(model.trainable_variables)
    assert len(again.weights) == len(model.weights)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["transformer", "lite0"])
def test_export_needs_tensorflow_only(request, kind, tmp_path):
    trunk = LITE0 if kind == "lite0" else request.getfixturevalue(kind)
    model = make_model(trunk, weights=kind != "lite0")
    preprocessor = ImagePreprocessor(32, 32, 3)
    folder = export.saved_model(model, tmp_path / "1", preprocessor)
    image = tf.io.encode_png((255 * IMAGES[0]).astype("uint8")).numpy()
    calls = {("serving_default", 2): {"image": [image, image]}}
    (answers,) = serve(folder, calls).values()
    inputs, _ = preprocessor({"image": tf.constant([image])})
    expected = model(inputs, training=False)
    for task, answer in answers.items():
        assert_close(answer[:1], expected[task], rtol=1e-5)


def test_lite0_is_unfrozen_in_stages():
    model = make_model(LITE0, weights=False, trainable="none")
    assert len(model.trainable_variables) == 4
    adapt_trunk(model, "all")
    trunk = model.get_layer("trunk")
    kernels = [v for v in trunk.weights if "_norm/" not in v.path]
    assert len(model.trainable_variables) == 4 + len(kernels)


def test_trunk_of_an_entry_may_be_pretrained(convolutional):
    gray = image_input(channels=1)
    assert len(trunks.build(gray, convolutional).shape) == 4


@pytest.mark.parametrize(
    ("trunk", "arguments", "message"),
    [
        (LITE0, {"trainable": "lora", "weights": False}, "has none"),
        (LITE0, {"trainable": "some", "weights": False}, "Unknown `trainable`"),
        ("hub:/no/such/folder", {}, "KerasHub cannot load"),
        ("small", {}, "A pretrained image trunk is"),
    ],
)
def test_wrong_argument_is_explained(trunk, arguments, message):
    if trunk.startswith("hub:"):
        pytest.importorskip("keras_hub", reason="needs the extra hub")
    with pytest.raises(ValueError, match=message) as error:
        pretrained.build(image_input(), trunk, **arguments)
    assert "Received" in str(error.value)


def test_other_image_size_is_explained(transformer):
    with pytest.raises(ValueError, match="Set `image_size`"):
        pretrained.build(image_input(64), transformer)


def test_missing_level_is_explained(convolutional):
    with pytest.raises(ValueError, match="level of the trunk"):
        pretrained.build(image_input(), convolutional, levels=("P7",))


def test_missing_extra_is_explained(monkeypatch):
    from zoo.pretrained import packages

    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'mtl-keras\[hub\]'"):
        pretrained.build(image_input(), "hub:resnet_50_imagenet")
