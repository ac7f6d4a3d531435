"""`losses.values`: each element of a label keeps a value of its own."""

import keras
import numpy as np
import pytest

from mtl_keras import losses
from mtl_keras.losses import elementwise
from tests.mtl_keras.losses import examples
from tests.mtl_keras.losses.on_backend import compiled


def softplus(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


def binary(y, p):
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def focal(y, p):
    p_t = y * p + (1 - y) * (1 - p)
    return (1 - p_t) ** 2 * binary(y, p)


def huber(y, p):
    e = np.abs(y - p)
    return np.where(e <= 1, e**2 / 2, e - 0.5)


# The elementwise formula of each, from Keras's documentation.
FORMULAS = {
    "MeanSquaredError": lambda y, p: (y - p) ** 2,
    "MeanAbsoluteError": lambda y, p: np.abs(y - p),
    "MeanAbsolutePercentageError": lambda y, p: (
        100 * np.abs((y - p) / np.maximum(np.abs(y), 1e-7))
    ),
    "MeanSquaredLogarithmicError": lambda y, p: (
        (np.log(np.maximum(y, 1e-7) + 1) - np.log(np.maximum(p, 1e-7) + 1)) ** 2
    ),
    "BinaryCrossentropy": binary,
    "BinaryFocalCrossentropy": focal,
    "Huber": huber,
    "LogCosh": lambda y, p: softplus(2 * (p - y)) - (p - y) - np.log(2),
    "Poisson": lambda y, p: p - y * np.log(p + 1e-7),
    "Hinge": lambda y, p: np.maximum(1 - (2 * y - 1) * p, 0),
    "SquaredHinge": lambda y, p: np.maximum(1 - (2 * y - 1) * p, 0) ** 2,
}
SHAPES = [
    ((6,), (6, 1)),
    ((6, 1), (6, 1)),
    ((6, 1), (6,)),
    ((6,), (6,)),
    ((6, 5), (6, 5)),
    ((6, 5), (6, 5, 1)),
    ((6, 5, 3), (6, 5, 3)),
]


def data(labels, predictions):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, labels).astype("float32")
    return y, rng.uniform(0.1, 0.9, predictions).astype("float32")


def test_each_averaging_function_has_a_formula():
    functions = {getattr(keras.losses, name)().fn for name in FORMULAS}
    assert functions == set(elementwise.AVERAGING)


@pytest.mark.parametrize("form", ["object", "function"])
@pytest.mark.parametrize("labels, predictions", SHAPES)
@pytest.mark.parametrize("name", FORMULAS)
def test_elements_keep_their_own_value(name, labels, predictions, form):
    loss = getattr(keras.losses, name)()
    loss = loss if form == "object" else loss.fn
    y, p = data(labels, predictions)
    received = np.asarray(losses.values(loss, y, p))
    assert received.shape == labels
    assert received.dtype == np.float32
    expected = FORMULAS[name](y.astype("float64"), p.reshape(labels))
    np.testing.assert_allclose(received, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", FORMULAS)
def test_their_mean_over_the_last_axis_is_keras_s(name):
    loss = getattr(keras.losses, name)()
    y, p = data((6, 5), (6, 5))
    np.testing.assert_allclose(
        np.mean(losses.values(loss, y, p), axis=-1),
        loss.call(y, p),
        rtol=1e-5,
    )


def test_arguments_of_the_loss_are_kept():
    y, p = data((6, 5), (6, 5))
    received = losses.values(keras.losses.Huber(delta=0.01), y, p)
    e = np.abs(y - p)
    np.testing.assert_allclose(received, 0.01 * (e - 0.005), rtol=1e-4)


def test_our_huber_keeps_elements_apart():
    y, p = data((6, 5), (6, 5))
    received = losses.values(losses.Huber(), y, p)
    np.testing.assert_allclose(received, huber(y, p), rtol=1e-5)


@pytest.mark.parametrize("name", losses.list_losses())
def test_ours_give_what_call_gives(name):
    loss = losses.get(name)
    if loss.averages_last_axis:
        pytest.skip("given by element")
    y_true, y_pred, _ = examples.batch(name)
    np.testing.assert_array_equal(
        losses.values(loss, y_true, y_pred), loss.call(y_true, y_pred)
    )


@pytest.mark.parametrize("labels", [(6,), (6, 1)])
def test_sparse_classes_are_as_they_are(labels):
    p = examples.probabilities(6, 4)
    y = np.arange(6) % 4
    received = losses.values(
        keras.losses.SparseCategoricalCrossentropy(), y.reshape(labels), p
    )
    np.testing.assert_allclose(received, -np.log(p[np.arange(6), y]), rtol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        "CategoricalCrossentropy",
        "CategoricalFocalCrossentropy",
        "CategoricalHinge",
        "CosineSimilarity",
        "KLDivergence",
    ],
)
def test_losses_of_a_whole_vector_are_as_they_are(name):
    loss = getattr(keras.losses, name)()
    y, p = np.eye(4, dtype="float32"), examples.probabilities(4, 4)
    received = losses.values(loss, y, p)
    assert tuple(received.shape) == (4,)
    np.testing.assert_allclose(received, loss.call(y, p))


def test_token_classes_keep_their_shape():
    p = examples.probabilities(2, 7, 4)
    y = np.zeros((2, 7), "int32")
    loss = keras.losses.SparseCategoricalCrossentropy()
    assert tuple(losses.values(loss, y, p).shape) == (2, 7)


def test_another_axis_is_respected():
    y, p = data((6, 5, 3), (6, 5, 3))
    loss = keras.losses.BinaryCrossentropy(axis=1)
    assert tuple(losses.values(loss, y, p).shape) == (6, 3)


def test_subclass_with_its_own_formula_is_its_own():
    class Doubled(keras.losses.MeanSquaredError):
        def call(self, y_true, y_pred):
            return 2.0 * super().call(y_true, y_pred)

    y, p = data((6, 5), (6, 5))
    np.testing.assert_allclose(
        losses.values(Doubled(), y, p), 2 * ((y - p) ** 2).mean(-1), rtol=1e-5
    )


def test_function_sees_the_label_with_the_predictions_axis():
    def absolute(y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

    y, p = data((6,), (6, 1))
    np.testing.assert_allclose(
        losses.values(absolute, y, p), np.abs(y - p[:, 0]), rtol=1e-6
    )


def test_reducing_over_the_batch_is_refused():
    y, p = data((6, 5), (6, 5))
    with pytest.raises(ValueError, match="'dice' must return one value for"):
        losses.values(keras.losses.Dice(), y, p)


@pytest.mark.parametrize(
    "labels, predictions", [((6,), (6, 5)), ((6, 1), (6, 5)), ((3,), (6,))]
)
def test_shapes_that_keras_would_broadcast_are_refused(labels, predictions):
    y, p = data(labels, predictions)
    with pytest.raises(ValueError, match="expects labels of the predictions'"):
        losses.values(keras.losses.MeanSquaredError(), y, p)


@pytest.mark.parametrize("name", FORMULAS)
def test_compiled_values_are_the_eager_ones(name):
    loss = getattr(keras.losses, name)()
    y, p = data((6, 5), (6, 5))

    def function(y_true, y_pred):
        return losses.values(loss, y_true, y_pred)

    np.testing.assert_allclose(
        compiled(function)(y, p), function(y, p), rtol=1e-5, atol=1e-6
    )


def test_works_with_sizes_unknown_while_tracing():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow traces with unknown sizes")
    import tensorflow as tf

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None)),
            tf.TensorSpec((None, None, 1)),
        ]
    )
    def function(y_true, y_pred):
        return losses.values(keras.losses.MeanSquaredError(), y_true, y_pred)

    y, p = data((6, 5), (6, 5, 1))
    np.testing.assert_allclose(function(y, p), (y - p[..., 0]) ** 2)
