import keras
import numpy as np
import pytest

from mtl_keras import losses
from tests.mtl_keras.losses.on_backend import compiled, gradient, summed


def data(*shape):
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 0.9, shape).astype("float32")
    return rng.integers(0, 2, shape), p


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_equals_keras_away_from_saturation(smoothing):
    y, p = data(300, 1)
    expected = keras.losses.binary_crossentropy(y, p, label_smoothing=smoothing)
    loss = losses.BinaryCrossEntropy(label_smoothing=smoothing)
    np.testing.assert_allclose(loss.call(y, p), expected, atol=1e-6)


def test_logits_equal_keras():
    y, _ = data(300, 1)
    logits = np.random.default_rng(1).normal(size=(300, 1)).astype("float32")
    expected = keras.losses.binary_crossentropy(y, logits, from_logits=True)
    received = losses.BinaryCrossEntropy(from_logits=True).call(y, logits)
    np.testing.assert_allclose(received, expected, atol=1e-6)


@pytest.mark.parametrize(
    "labels, predictions, values",
    [
        ((6,), (6, 1), (6,)),
        ((6, 1), (6, 1), (6,)),
        ((6,), (6,), (6,)),
        ((6, 1), (6,), (6,)),
        ((6, 5), (6, 5), (6, 5)),
        ((6, 5), (6, 5, 1), (6, 5)),
        ((6, 5, 4), (6, 5, 4), (6, 5, 4)),
        ((1,), (1, 1), (1,)),
    ],
)
def test_shapes(labels, predictions, values):
    y, p = data(*predictions)
    y = y.reshape(labels)
    received = np.asarray(losses.BinaryCrossEntropy().call(y, p))
    assert received.shape == values
    chosen = np.where(y.reshape(values) > 0, p.reshape(values), 0)
    chosen = np.where(y.reshape(values) > 0, chosen, 1 - p.reshape(values))
    np.testing.assert_allclose(received, -np.log(chosen), atol=2e-6)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32"])
def test_label_types_agree(dtype):
    y, p = data(6, 1)
    loss = losses.BinaryCrossEntropy()
    np.testing.assert_array_equal(
        loss.call(y.astype(dtype), p), loss.call(y, p)
    )


@pytest.mark.parametrize("wrap", [compiled, lambda f: f])
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("p", [0.0, 1.0])
def test_saturated_predictions_keep_their_gradient(label, p, wrap):
    p = np.array([[p]], "float32")
    function = wrap(summed(losses.BinaryCrossEntropy(), np.array([label])))
    slope = gradient(function, p).item()
    assert np.isfinite(float(function(p)))
    assert np.isfinite(slope)
    assert slope * (0.5 - label) > 0


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("logit", [-1e4, 0.0, 1e4])
def test_saturated_logits_are_finite(label, logit):
    function = summed(
        losses.BinaryCrossEntropy(from_logits=True), np.array([label])
    )
    logits = np.array([[logit]], "float32")
    expected = max(logit, 0) - label * logit + np.log1p(np.exp(-abs(logit)))
    assert float(function(logits)) == pytest.approx(expected, abs=1e-6)
    probability = 0.5 * (1 + np.tanh(logit / 2))
    assert gradient(function, logits).item() == pytest.approx(
        probability - label, abs=1e-6
    )


@pytest.mark.parametrize(
    "labels, predictions", [((6,), (6, 2)), ((5,), (6, 1)), ((6, 3), (6, 2))]
)
def test_shapes_that_do_not_fit_are_refused(labels, predictions):
    with pytest.raises(ValueError, match="'binary_cross_entropy' expects"):
        losses.BinaryCrossEntropy().call(np.zeros(labels), np.ones(predictions))
