import keras
import numpy as np
import pytest

from mtl_keras import losses
from tests.mtl_keras.losses import examples
from tests.mtl_keras.losses.on_backend import compiled, gradient, summed


def binary(*shape):
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 0.9, shape).astype("float32")
    return rng.integers(0, 2, shape), p


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("alpha", [None, 0.25])
def test_binary_equals_keras_away_from_saturation(gamma, alpha):
    y, p = binary(200, 1)
    expected = keras.losses.binary_focal_crossentropy(
        y,
        p,
        gamma=gamma,
        alpha=0.0 if alpha is None else alpha,
        apply_class_balancing=alpha is not None,
    )
    received = losses.Focal(gamma, alpha).call(y, p)
    np.testing.assert_allclose(received, expected, atol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_classes_follow_the_paper_s_formula(gamma):
    p = examples.probabilities(50, 4)
    y = np.random.default_rng(1).integers(0, 4, 50)
    alpha = np.array([1.0, 0.5, 2.0, 0.0])
    p_t = np.take_along_axis(p, y[:, None], -1)[:, 0].astype("float64")
    expected = -alpha[y] * (1 - p_t) ** gamma * np.log(p_t)
    received = losses.Focal(gamma, alpha.tolist()).call(y, p)
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_without_focus_it_is_the_cross_entropy():
    p = examples.probabilities(20, 4)
    y = np.arange(20) % 4
    np.testing.assert_allclose(
        losses.Focal(0.0).call(y, p), losses.CrossEntropy().call(y, p)
    )


def test_several_labels_keep_their_shape():
    y, p = binary(6, 3)
    loss = losses.Focal()
    received = np.asarray(loss.call(y, p))
    one_by_one = [loss.call(y[:, [i]], p[:, [i]]) for i in range(3)]
    np.testing.assert_allclose(received, np.stack(one_by_one, -1), rtol=1e-6)


@pytest.mark.parametrize("wrap", [compiled, lambda f: f])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("p", [0.0, 1.0])
def test_binary_saturated_predictions_keep_their_gradient(
    label, p, gamma, wrap
):
    p = np.array([[p]], "float32")
    function = wrap(summed(losses.Focal(gamma), np.array([label])))
    slope = gradient(function, p).item()
    assert np.isfinite(float(function(p)))
    assert np.isfinite(slope)
    assert slope * (0.5 - label) > 0


@pytest.mark.parametrize("gamma", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_class_saturated_predictions_keep_their_gradient(label, gamma):
    p = np.array([[0.0, 1.0, 0.0]], "float32")
    slope = gradient(summed(losses.Focal(gamma), np.array([label])), p)
    assert np.isfinite(slope).all()
    assert slope[0, label] < 0


def test_one_alpha_for_classes_is_refused():
    with pytest.raises(ValueError, match="one number for each class"):
        losses.Focal(alpha=0.25).call(np.zeros(2), np.full((2, 3), 1 / 3))


def test_alphas_for_yes_or_no_are_refused():
    with pytest.raises(ValueError, match="must be one number"):
        losses.Focal(alpha=[1.0, 2.0]).call(np.zeros(2), np.full((2, 1), 0.5))


def test_number_of_alphas_is_checked():
    with pytest.raises(ValueError, match="2 numbers for 3 classes"):
        losses.Focal(alpha=[1.0, 2.0]).call(np.zeros(2), np.full((2, 3), 1 / 3))
