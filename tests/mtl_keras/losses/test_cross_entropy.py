import keras
import numpy as np
import pytest

from mtl_keras import losses
from tests.mtl_keras.losses import examples
from tests.mtl_keras.losses.on_backend import compiled, gradient, summed


def away_from_saturation(count=200, num_classes=4):
    p = examples.probabilities(count * 10, num_classes)
    return p[p.min(-1) > 0.1][:count]


def labels_for(p):
    return np.random.default_rng(3).integers(0, p.shape[-1], len(p))


def test_equals_keras_away_from_saturation():
    p = away_from_saturation()
    y = labels_for(p)
    expected = keras.losses.sparse_categorical_crossentropy(y, p)
    received = losses.CrossEntropy().call(y, p)
    np.testing.assert_allclose(received, expected, atol=1e-6)


def test_label_smoothing_equals_keras():
    p = away_from_saturation()
    y = np.eye(4, dtype="float32")[labels_for(p)]
    expected = keras.losses.categorical_crossentropy(y, p, label_smoothing=0.2)
    received = losses.CrossEntropy(label_smoothing=0.2).call(y, p)
    np.testing.assert_allclose(received, expected, atol=2e-6)


def test_logits_equal_keras():
    logits = np.random.default_rng(4).normal(size=(50, 6)).astype("float32")
    y = labels_for(logits)
    expected = keras.losses.sparse_categorical_crossentropy(
        y, logits, from_logits=True
    )
    received = losses.CrossEntropy(from_logits=True).call(y, logits)
    np.testing.assert_allclose(received, expected, atol=1e-6)


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "uint8"])
def test_label_forms_agree(dtype):
    p = examples.probabilities(6, 4)
    y = labels_for(p)
    loss = losses.CrossEntropy()
    expected = np.asarray(loss.call(np.eye(4)[y], p))
    for form in (y, y[:, None]):
        received = loss.call(form.astype(dtype), p)
        np.testing.assert_array_equal(received, expected)


def test_token_labels_keep_their_shape():
    p = examples.probabilities(2, 7, 4)
    y = np.random.default_rng(5).integers(0, 4, (2, 7))
    values = np.asarray(losses.CrossEntropy().call(y, p))
    picked = np.take_along_axis(p, y[..., None], -1)[..., 0]
    np.testing.assert_allclose(values, -np.log(picked), atol=1e-5)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("wrap", [compiled, lambda f: f])
def test_saturated_predictions_keep_their_gradient(label, wrap):
    p = np.array([[0.0, 1.0]], "float32")
    function = wrap(summed(losses.CrossEntropy(), np.array([label])))
    slope = gradient(function, p)[0, label]
    assert np.isfinite(float(function(p)))
    assert np.isfinite(slope)
    assert slope < 0  # More of the true class is better, right or wrong.


def test_wrong_and_sure_costs_the_logarithm_of_epsilon():
    p = np.array([[0.0, 1.0]], "float32")
    value = float(losses.CrossEntropy().call(np.array([0]), p)[0])
    assert value == pytest.approx(-np.log(1e-7), rel=1e-6)


def test_saturated_logits_are_finite():
    logits = np.array([[-1e4, 1e4]], "float32")
    function = summed(losses.CrossEntropy(from_logits=True), np.array([0]))
    assert float(function(logits)) == pytest.approx(2e4)
    np.testing.assert_allclose(gradient(function, logits), [[-1.0, 1.0]])


@pytest.mark.parametrize(
    "labels, predictions",
    [((4, 3), (4, 5)), ((4, 2), (4, 1)), ((3,), (4, 5)), ((4,), (4,))],
)
def test_shapes_that_do_not_fit_are_refused(labels, predictions):
    with pytest.raises(ValueError, match="'cross_entropy' expects"):
        losses.CrossEntropy().call(
            np.zeros(labels, "int32"), np.ones(predictions, "float32")
        )
