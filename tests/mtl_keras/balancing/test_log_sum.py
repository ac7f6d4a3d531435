"""LogSum: the derivative of the sum of logarithms."""

import numpy as np

from mtl_keras import balancing
from tests.test_case import to_numpy


def test_weights_are_inverse_losses():
    weights = balancing.LogSum().weights(losses=[0.5, 2.0, 1e-20])
    np.testing.assert_allclose(to_numpy(weights), [2.0, 0.5, 1e20], rtol=1e-6)


def test_unit_of_a_loss_does_not_matter():
    # A loss 1000 times as large has a gradient 1000 times as large.
    jacobian = np.array([[1.0, 2.0], [3.0, -1.0]], "float32")
    scales = np.array([1000.0, 1.0], "float32")
    plain = balancing.LogSum().combine(jacobian, losses=[0.5, 2.0])
    scaled = balancing.LogSum().combine(
        scales[:, None] * jacobian, losses=scales * [0.5, 2.0]
    )
    np.testing.assert_allclose(to_numpy(scaled), to_numpy(plain), rtol=1e-6)


def test_loss_of_zero_has_no_weight():
    weights = to_numpy(balancing.LogSum().weights(losses=[0.0, 4.0]))
    np.testing.assert_array_equal(weights, [0.0, 0.25])
