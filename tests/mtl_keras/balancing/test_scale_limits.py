"""Lengths of gradients that float32 can and cannot balance."""

import warnings

import numpy as np
import pytest

from mtl_keras import balancing
from tests.test_case import to_numpy

GRADIENTS = [
    name
    for name in balancing.list_balancers()
    if name not in balancing.list_balancers(level="losses")
]
LOSSES = np.array([0.7, 1.3, 2.0], "float32")
# Orthonormal rows but for a conflict: lengths are those that scale them.
ROWS = np.eye(3, 6, dtype="float32")
ROWS[1, 0] = -0.6
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)


def combine(name, jacobian, present=None):
    return to_numpy(balancing.get(name).combine(jacobian, LOSSES, present))


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("scale", [1.01e-18, 0.99e18])
def test_the_direction_is_right_up_to_the_limits(name, scale):
    expected = combine(name, ROWS).astype("float64")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        received = combine(name, np.float32(scale) * ROWS).astype("float64")
    expected /= np.linalg.norm(expected)
    received /= np.linalg.norm(received)
    np.testing.assert_allclose(received, expected, atol=1e-4)


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("scale", [1e-25, 1e20])
def test_gradients_beyond_the_limits_are_warned_of(name, scale):
    jacobian = ROWS.copy()
    jacobian[1] *= np.float32(scale)
    with pytest.warns(UserWarning, match="lengths from 1e-18 to 1e.18") as seen:
        combine(name, jacobian)
    assert seen[0].filename == __file__ and f"{scale:.1e}" in str(seen[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        # An absent task's row means nothing.
        combine(name, jacobian, [1, 0, 1])


def test_a_gramian_beyond_the_limits_is_warned_of():
    balancer = balancing.get("cagrad")
    with pytest.warns(UserWarning, match="1.0e-19.*Scale the losses"):
        balancer.weights(np.diag([1e-38, 1.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        balancer.weights(np.diag([1.0, 0.0]))
        balancer.weights(np.diag([1e-38, 1.0]), present=[0, 1])
