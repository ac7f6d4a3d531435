import numpy as np
import pytest
from sklearn.metrics import f1_score

from mtl_keras import losses
from tests.mtl_keras.losses import examples
from tests.mtl_keras.losses.on_backend import gradient, summed


def mean_of(loss, y, p):
    return float(np.mean(loss.call(y, p)))


def test_hard_answers_give_scikit_learn_s_f1():
    rng = np.random.default_rng(0)
    y, answer = rng.integers(0, 2, (2, 300))
    received = mean_of(losses.SoftF1(0.0), y, answer[:, None].astype("float32"))
    assert received == pytest.approx(1 - f1_score(y, answer), abs=1e-6)


def test_classes_give_scikit_learn_s_macro_f1():
    rng = np.random.default_rng(0)
    y, answer = rng.integers(0, 4, (2, 300))
    received = mean_of(
        losses.SoftF1(0.0), y, np.eye(4, dtype="float32")[answer]
    )
    expected = 1 - f1_score(y, answer, average="macro")
    assert received == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_probabilities_follow_the_formula(smoothing):
    y, p, _ = examples.batch("soft_f1")
    q = p.astype("float64")
    expected = 1 - (2 * (q * y).sum() + smoothing) / (
        q.sum() + y.sum() + smoothing
    )
    received = mean_of(losses.SoftF1(smoothing), y, p)
    assert received == pytest.approx(expected, abs=1e-6)


def test_several_labels_count_together():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, (20, 3))
    p = rng.uniform(size=(20, 3)).astype("float32")
    values = losses.SoftF1().call(y, p)
    assert tuple(values.shape) == (20, 3)
    expected = losses.SoftF1().call(y.reshape(60), p.reshape(60))
    np.testing.assert_allclose(np.ravel(values), expected, rtol=1e-5)


def test_tokens_keep_their_shape():
    p = examples.probabilities(2, 7, 4)
    y = np.random.default_rng(5).integers(0, 4, (2, 7))
    values = losses.SoftF1().call(y, p)
    assert tuple(values.shape) == (2, 7)
    flat = losses.SoftF1().call(y.reshape(14), p.reshape(14, 4))
    np.testing.assert_allclose(np.ravel(values), flat, rtol=1e-5)


def test_a_batch_without_positives_still_teaches():
    y = np.zeros((8, 1))
    p = np.full((8, 1), 0.5, "float32")
    assert (gradient(summed(losses.SoftF1(), y), p) > 0.01).all()


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_sure_predictions_are_finite(label, p, smoothing):
    function = summed(losses.SoftF1(smoothing), np.full((4, 1), label))
    p = np.full((4, 1), p, "float32")
    assert np.isfinite(float(function(p)))
    assert np.isfinite(gradient(function, p)).all()
