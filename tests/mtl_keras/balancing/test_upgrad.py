"""UPGrad: by hand, and against the projections of non-negative squares."""

import numpy as np
import pytest
from scipy.optimize import nnls

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy


def by_nnls(rows, shares):
    """The shares of the rows' projections, by SciPy in float64."""
    rows = rows.astype("float64")
    direction = 0.0
    for row, share in zip(rows, shares, strict=True):
        extra, _ = nnls(rows.T, -row)
        direction = direction + share * (row + extra @ rows)
    return direction


def test_two_rows_by_hand():
    # Each loses its part along the other: (0.64, 0.48) and (0, 0.8).
    rows = np.array([[1.0, 0.0], [-0.6, 0.8]], "float32")
    direction = to_numpy(balancing.UPGrad().combine(rows))
    np.testing.assert_allclose(direction, [0.32, 0.64], rtol=1e-5)


@pytest.mark.parametrize("num_rows", [3, 8])
@pytest.mark.parametrize("family", ["1000 dimensions", "conflicting"])
def test_direction_is_that_of_scipy(num_rows, family):
    rows = families(num_rows)[family]
    expected = by_nnls(rows, np.full(num_rows, 1 / num_rows))
    received = to_numpy(balancing.UPGrad().combine(rows))
    error = np.linalg.norm(received - expected)
    assert error <= 1e-4 * np.linalg.norm(expected)


def test_preference_weighs_the_mean():
    rows = families(2)["conflicting"]
    balancer = balancing.UPGrad(preference={"a": 3.0, "b": 1.0})
    received = to_numpy(balancer.combine(rows))
    expected = by_nnls(rows, [0.75, 0.25])
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)


def test_without_conflict_it_is_the_mean():
    rows = np.array([[1.0, 0.0, 0.0], [1.0, 2.0, 0.0], [0, 1, 5]], "float32")
    direction = to_numpy(balancing.UPGrad().combine(rows))
    np.testing.assert_allclose(direction, rows.mean(axis=0), rtol=1e-6)


def test_zero_row_counts_in_the_mean():
    rows = families(3)["conflicting"]
    with_zero = np.concatenate([rows, np.zeros_like(rows[:1])])
    received = to_numpy(balancing.UPGrad().combine(with_zero))
    expected = 0.75 * to_numpy(balancing.UPGrad().combine(rows))
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["upgrad", "dualproj"])
@pytest.mark.parametrize("columns", [1, 2, 5, 20])
@pytest.mark.parametrize("seed", range(4))
def test_no_row_is_hurt_with_fewer_or_more_dimensions(name, columns, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(10, columns)).astype("float32")
    rows *= 10.0 ** rng.uniform(-2, 2, size=(10, 1)).astype("float32")
    direction = to_numpy(balancing.get(name).combine(rows)).astype("float64")
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(direction)
    assert (rows @ direction >= -1e-4 * lengths).all()


@pytest.mark.parametrize("name", ["upgrad", "dualproj"])
def test_opposite_rows_alone_stand_still(name):
    row = families(2)["1000 dimensions"][:1]
    rows = np.concatenate([row, -3 * row])
    direction = to_numpy(balancing.get(name).combine(rows))
    np.testing.assert_array_equal(direction, 0)


@pytest.mark.parametrize("name", ["upgrad", "dualproj"])
def test_a_row_far_longer_than_the_rest_hurts_none(name):
    rows = families(4)["a row 1e8 times the rest"]
    direction = to_numpy(balancing.get(name).combine(rows)).astype("float64")
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert (unit @ direction).min() >= -1e-5 * np.linalg.norm(direction)
