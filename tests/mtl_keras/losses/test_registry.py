"""What every registered loss must do; the list comes from the registry."""

import inspect

import keras
import numpy as np
import pytest

from mtl_keras import losses
from tests.mtl_keras.losses import examples
from tests.mtl_keras.losses.on_backend import compiled, gradient, summed

NAMES = losses.list_losses()


@pytest.mark.parametrize("name", NAMES)
def test_name_is_the_registry_s(name):
    assert losses.get(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_one_value_a_label(name):
    y_true, y_pred, shape = examples.batch(name)
    assert tuple(losses.get(name).call(y_true, y_pred).shape) == shape


@pytest.mark.parametrize("name", NAMES)
def test_leading_axes_are_free(name):
    y_true, y_pred, shape = examples.batch(name)
    if len(shape) > 1:
        pytest.skip("the first axis is the image, the others are its pixels")
    loss = losses.get(name)
    flat = np.asarray(loss.call(y_true, y_pred))
    folded = loss.call(
        y_true.reshape(2, 4, *y_true.shape[1:]),
        y_pred.reshape(2, 4, *y_pred.shape[1:]),
    )
    assert tuple(folded.shape) == (2, 4)
    np.testing.assert_allclose(np.reshape(folded, shape), flat, rtol=1e-6)


@pytest.mark.sampled
@pytest.mark.parametrize("name", NAMES)
def test_compiled_value_and_gradient_are_the_eager_ones(name):
    y_true, y_pred, _ = examples.batch(name)
    loss = losses.get(name)
    np.testing.assert_allclose(
        np.asarray(compiled(loss.call)(y_true, y_pred)),
        np.asarray(loss.call(y_true, y_pred)),
        rtol=1e-5,
        atol=1e-6,
    )
    function = summed(loss, y_true)
    np.testing.assert_allclose(
        gradient(compiled(function), y_pred),
        gradient(function, y_pred),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_that_of_finite_differences(name):
    y_true, y_pred, _ = examples.batch(name)
    function = summed(losses.get(name), y_true)
    step = 1e-3
    direction = np.random.default_rng(2).normal(size=y_pred.shape)
    ahead = float(function((y_pred + step * direction).astype("float32")))
    behind = float(function((y_pred - step * direction).astype("float32")))
    slope = float((gradient(function, y_pred) * direction).sum())
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=2e-2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(name, dtype):
    y_true, y_pred, _ = examples.batch(name)
    loss = losses.get(name)
    half = keras.ops.cast(y_pred, dtype)
    expected = loss.call(y_true, keras.ops.cast(half, "float32"))
    received = loss.call(y_true, half)
    assert keras.backend.standardize_dtype(received.dtype) == "float32"
    np.testing.assert_array_equal(np.asarray(received), np.asarray(expected))


@pytest.mark.parametrize("name", NAMES)
def test_survives_serialization(name):
    y_true, y_pred, _ = examples.batch(name)
    loss = losses.get(name)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    np.testing.assert_array_equal(
        np.asarray(again.call(y_true, y_pred)),
        np.asarray(loss.call(y_true, y_pred)),
    )


@pytest.mark.parametrize("name", NAMES)
def test_config_has_every_argument_of_the_constructor(name):
    loss = losses.get(name)
    arguments = set(inspect.signature(type(loss)).parameters)
    assert arguments == set(loss.get_config()), "return them in `get_config`"


@pytest.mark.parametrize(
    "loss",
    [
        losses.CrossEntropy(from_logits=True, label_smoothing=0.1, name="a"),
        losses.BinaryCrossEntropy(from_logits=True, label_smoothing=0.1),
        losses.Focal(gamma=1.5, alpha=0.25, reduction="sum"),
        losses.Focal(alpha=[1.0, 2.0, 0.5]),
        losses.Huber(delta=0.3),
        losses.GIoU(reduction=None),
        losses.BoxLoss(huber_weight=3.0, giou_weight=0.0, delta=0.2),
        losses.Angular(reduction="sum"),
        losses.Cox(name="hazard"),
        losses.DiceLoss(smoothing=0.5),
        losses.DiscreteTime([0, 1, 5], from_logits=True),
        losses.PairwiseAUC(margin=0.3, power=3.0),
        losses.ScaleInvariantDepth(0.85, 0.1, from_logarithm=True),
        losses.SoftF1(smoothing=0.0),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_arguments_survive_serialization(loss):
    again = losses.get(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()


@pytest.mark.parametrize("name", NAMES)
def test_calling_it_reduces_as_keras_does(name):
    y_true, y_pred, _ = examples.batch(name)
    loss = losses.get(name)
    assert float(loss(y_true, y_pred)) == pytest.approx(
        float(np.mean(loss.call(y_true, y_pred))), rel=1e-6
    )


@pytest.mark.parametrize("name", NAMES)
def test_shapes_that_do_not_fit_are_named(name):
    y_true, y_pred, _ = examples.batch(name)
    with pytest.raises(ValueError, match=rf"'{name}'.*Received: labels of sh"):
        losses.get(name).call(y_true[:5], y_pred)


@pytest.mark.sampled
@pytest.mark.parametrize("name", NAMES)
def test_a_step_of_a_plain_keras_model_follows_the_mean_s_gradient(name):
    y_true, y_pred, _ = examples.batch(name)
    loss = losses.get(name)
    model = keras.Sequential(
        [keras.Input(y_pred.shape[1:]), Offset(y_pred.shape)]
    )
    model.compile(keras.optimizers.SGD(0.01), loss=loss, jit_compile=True)
    model.train_on_batch(y_pred, y_true)

    def mean(predictions):
        return keras.ops.mean(loss.call(y_true, predictions))

    offset = np.asarray(keras.ops.convert_to_numpy(model.weights[0]))
    np.testing.assert_allclose(
        offset, -0.01 * gradient(mean, y_pred), rtol=1e-4, atol=1e-8
    )
    assert np.abs(offset).max() > 1e-5


class Offset(keras.layers.Layer):
    """Adds a variable of the batch's shape to the inputs."""

    def __init__(self, shape):
        super().__init__()
        self.offset = self.add_weight(shape, initializer="zeros")

    def call(self, inputs):
        return inputs + self.offset
