"""UWSO: a softmax of the inverse losses."""

import numpy as np
import pytest
import scipy.special

from mtl_keras import balancing
from tests.test_case import to_numpy


@pytest.mark.parametrize("temperature", [0.5, 1.0, 20.0])
def test_weights_are_a_softmax_of_inverse_losses(temperature):
    losses = np.array([0.2, 1.0, 3.0])
    weights = balancing.UWSO(temperature).weights(losses=losses)
    expected = scipy.special.softmax((1 / losses) / temperature)
    np.testing.assert_allclose(to_numpy(weights), expected, rtol=1e-5)


def test_small_losses_and_temperatures_stay_finite():
    weights = balancing.UWSO(1e-30).weights(losses=[1e-30, 1.0])
    np.testing.assert_array_equal(to_numpy(weights), [1.0, 0.0])


def test_loss_of_zero_takes_no_part():
    weights = to_numpy(balancing.UWSO().weights(losses=[0.0, 1.0, 1.0]))
    np.testing.assert_allclose(weights, [0.0, 0.5, 0.5], rtol=1e-6)


def test_temperature_must_be_positive():
    with pytest.raises(ValueError, match="`temperature`.*>= 1e-30.*Received"):
        balancing.UWSO(temperature=0.0)
