"""GLS: the derivative of the geometric mean."""

import numpy as np

from mtl_keras import balancing
from tests.test_case import to_numpy


def test_weights_by_hand():
    # The geometric mean of 2 and 8 is 4; 4 / (2 * 2) and 4 / (2 * 8).
    weights = balancing.GLS().weights(losses=[2.0, 8.0])
    np.testing.assert_allclose(to_numpy(weights), [1.0, 0.25], rtol=1e-6)


def test_weights_are_the_derivative_of_the_geometric_mean():
    losses = np.array([0.3, 1.7, 4.0, 11.0])

    def mean(values):
        return np.prod(values) ** (1 / 4)

    # Central differences in float64.
    nudges = 1e-5 * np.eye(4)
    expected = [(mean(losses + n) - mean(losses - n)) / 2e-5 for n in nudges]
    weights = to_numpy(balancing.GLS().weights(losses=losses))
    np.testing.assert_allclose(weights, expected, rtol=1e-5)


def test_product_may_leave_float32():
    weights = balancing.GLS().weights(losses=np.full(64, 1e-10, "float32"))
    np.testing.assert_allclose(to_numpy(weights), 1 / 64, rtol=1e-5)


def test_loss_of_zero_does_not_stop_the_others():
    weights = to_numpy(balancing.GLS().weights(losses=[2.0, 0.0, 8.0]))
    np.testing.assert_allclose(weights, [1.0, 0.0, 0.25], rtol=1e-6)
