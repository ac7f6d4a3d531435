"""DualProj, against SciPy's non-negative least squares."""

import numpy as np
import pytest
from scipy.optimize import nnls

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy


def by_nnls(rows, shares):
    rows, mean = rows.astype("float64"), shares @ rows.astype("float64")
    extra, _ = nnls(rows.T, -mean)
    return mean + extra @ rows


@pytest.mark.parametrize("num_rows", [2, 8, 20])
@pytest.mark.parametrize("seed", range(3))
def test_direction_is_that_of_scipy(num_rows, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(num_rows, num_rows + 3))
    rows = (rows * rng.uniform(0.1, 5, size=(num_rows, 1))).astype("float32")
    expected = by_nnls(rows, np.full(num_rows, 1 / num_rows))
    received = to_numpy(balancing.DualProj().combine(rows))
    error = np.linalg.norm(received - expected)
    assert error <= 1e-4 * np.linalg.norm(rows.mean(axis=0))


def test_two_rows_by_hand():
    # The mean (0.35, 0.2) hurts the second row; its part along it goes.
    rows = np.array([[1.0, 0.0], [-0.3, 0.4]], "float32")
    direction = to_numpy(balancing.DualProj().combine(rows))
    np.testing.assert_allclose(direction, [0.32, 0.24], rtol=1e-5)


def test_without_conflict_it_is_the_mean():
    rows = np.array([[1.0, 0.0, 0.0], [1.0, 2.0, 0.0], [0, 1, 5]], "float32")
    direction = to_numpy(balancing.DualProj().combine(rows))
    np.testing.assert_allclose(direction, rows.mean(axis=0), rtol=1e-6)


def test_preference_weighs_the_mean():
    rows = families(2)["conflicting"]
    balancer = balancing.DualProj(preference={"a": 4.0, "b": 1.0})
    expected = by_nnls(rows, np.array([0.8, 0.2]))
    received = to_numpy(balancer.combine(rows))
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)
