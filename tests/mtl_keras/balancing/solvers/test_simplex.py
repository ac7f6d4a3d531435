"""The projection on the simplex, against bisection."""

import numpy as np
import pytest

from mtl_keras.balancing.solvers import simplex
from tests.test_case import to_numpy


def projected(point, present=None):
    point = np.asarray(point, "float32")
    if present is None:
        present = np.ones(len(point), "float32")
    return to_numpy(simplex.project(point, np.asarray(present, "float32")))


def by_bisection(point):
    """Finds the `t` with `sum(max(point - t, 0)) == 1`, in float64."""
    point = np.asarray(point, "float64")
    low, high = point.min() - 1, point.max()
    for _ in range(200):
        middle = (low + high) / 2
        too_much = np.maximum(point - middle, 0).sum() > 1
        low, high = (middle, high) if too_much else (low, middle)
    return np.maximum(point - high, 0)


@pytest.mark.parametrize("size", [1, 2, 5, 64])
@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_projection_is_that_of_bisection(size, scale):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        point = (scale * rng.normal(size=size)).astype("float32")
        np.testing.assert_allclose(
            projected(point), by_bisection(point), rtol=1e-4, atol=2e-6
        )


def test_by_hand():
    np.testing.assert_allclose(projected([0.5, 0.5]), [0.5, 0.5])
    np.testing.assert_allclose(projected([2.0, 0.0, -5.0]), [1, 0, 0])
    np.testing.assert_allclose(
        projected([0.6, 0.8, -1.0]), [0.4, 0.6, 0.0], rtol=1e-5
    )


def test_large_numbers_cost_no_digits():
    np.testing.assert_array_equal(projected([1e20, -1e20, 3.0]), [1, 0, 0])
    np.testing.assert_allclose(projected([1e20, 1e20]), [0.5, 0.5])
    np.testing.assert_allclose(
        projected([1e6 + 0.25, 1e6]), [0.625, 0.375], rtol=1e-6
    )


def test_absent_entry_has_no_part():
    np.testing.assert_allclose(
        projected([0.6, 9.0, 0.8], [1, 0, 1]), [0.4, 0.0, 0.6], rtol=1e-5
    )
    np.testing.assert_array_equal(projected([1.0, 2.0], [0, 0]), [0, 0])
