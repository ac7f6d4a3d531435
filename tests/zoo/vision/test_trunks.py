import keras
import numpy as np
import pytest

from tests.test_case import to_numpy
from zoo.vision import applications, trunks


def picture(size=32, channels=1):
    return keras.Input((size, size, channels), name="image")


def test_small_halves_the_picture_three_times():
    assert trunks.build(picture(64), "small").shape == (None, 8, 8, 128)


def test_plain_gives_128_features():
    image = picture(16)
    model = keras.Model(image, trunks.build(image, "plain"))
    assert model.output_shape == (None, 128)
    kinds = [type(layer).__name__ for layer in model.layers[1:]]
    assert kinds == [
        *["Conv2D", "MaxPooling2D"] * 2,
        "Flatten",
        *["Dense"] * 2,
    ]


@pytest.mark.parametrize("trunk", ["small", "plain"])
def test_width_scales_the_channels(trunk):
    half = trunks.build(picture(16), trunk, width=0.5)
    assert half.shape[-1] == 64


@pytest.mark.parametrize("channels", [1, 3])
def test_application_gives_a_map_of_a_gray_or_coloured_picture(channels):
    features = trunks.build(picture(32, channels), "MobileNetV2")
    assert features.shape == (None, 1, 1, 1280)


@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50", "DenseNet121"])
def test_application_sees_pixels_on_its_own_scale(name):
    layer = applications.ApplicationPixels(name)
    again = type(layer).from_config(layer.get_config())
    pixels = np.random.default_rng(0).uniform(size=(1, 4, 4, 3))
    module = {
        "MobileNetV2": keras.applications.mobilenet_v2,
        "ResNet50": keras.applications.resnet50,
        "DenseNet121": keras.applications.densenet,
    }[name]
    expected = module.preprocess_input((pixels * 255).astype("float32"))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(again(pixels)), expected, atol=1e-4
    )


def test_every_application_has_a_preprocessing():
    for name in applications.names():
        layer = applications.ApplicationPixels(name)
        assert layer.compute_output_shape((None, 8, 8, 3)) == (None, 8, 8, 3)


def test_application_takes_weights_from_a_file(tmp_path):
    path = tmp_path / "mobile.weights.h5"
    trained = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    trained.save_weights(path)
    image = picture(32)
    features = trunks.build(image, "MobileNetV2", weights=str(path))
    model = keras.Model(image, features)
    inner = model.get_layer(trained.name)
    for ours, theirs in zip(inner.weights, trained.weights, strict=True):
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))


def own_trunk(*outputs, shape=(32, 32, 1)):
    inputs = keras.Input(shape)
    features = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    made = {
        "map": features,
        "vector": keras.layers.Flatten()(features),
        "sequence": keras.layers.Reshape((-1, 4))(features),
    }
    made = [made[name] for name in outputs]
    return keras.Model(inputs, made[0] if len(made) == 1 else made)


@pytest.mark.parametrize("output", ["map", "vector"])
@pytest.mark.parametrize("channels", [1, 3])
def test_own_model_is_a_trunk(output, channels):
    trunk = own_trunk(output, shape=(32, 32, channels))
    features = trunks.build(picture(32), trunk)
    assert features.shape == trunk.outputs[0].shape


@pytest.mark.parametrize(
    ("trunk", "arguments", "message"),
    [
        ("smal", {}, "Did you mean 'small'"),
        ("mobilenetv2", {}, "Did you mean 'MobileNetV2'"),
        (3, {}, "Unknown trunk"),
        ("plain", {"weights": "imagenet"}, "`trunk_weights` has no effect"),
        ("MobileNetV2", {"width": 0.5}, "`width` has no effect"),
        ("MobileNetV2", {"weights": "imagnet"}, "imagnet"),
        ("InceptionV3", {}, "Set `image_size`"),
        ("small", {"width": 0}, "`width` must be a finite number > 0"),
        ("small", {"width": "wide"}, "`width` must be a finite number > 0"),
    ],
)
def test_wrong_argument_is_explained(trunk, arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        trunks.build(picture(32), trunk, **arguments)
    assert "Received" in str(error.value)


@pytest.mark.parametrize(
    ("outputs", "shape", "message"),
    [
        (["sequence"], (32, 32, 1), "must give one tensor"),
        (["map", "vector"], (32, 32, 1), "must give one tensor"),
        (["map"], (16, 16, 1), "must take images of shape"),
        (["map"], (32, 32, 4), "must take images of shape"),
    ],
)
def test_own_model_that_is_no_trunk_is_explained(outputs, shape, message):
    with pytest.raises(ValueError, match=message):
        trunks.build(picture(32), own_trunk(*outputs, shape=shape))
