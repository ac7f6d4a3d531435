"""The shortest point of the hull: its duality gap, and SciPy's NNLS."""

import numpy as np
import pytest
import scipy.optimize
from keras import ops

from mtl_keras.balancing.solvers.min_norm import min_norm
from tests.mtl_keras.balancing.compiled import compiled
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy

SOLVE = compiled(min_norm)


def solved(gramian, present=None):
    gramian = np.asarray(gramian, "float32")
    if present is None:
        present = np.ones(len(gramian), "float32")
    given = [ops.convert_to_tensor(each) for each in (gramian, present)]
    return to_numpy(SOLVE(*given))


def duality_gap(rows, weights):
    """How far `w @ G @ w` is from its least, as a share of the trace."""
    gramian = rows.astype("float64") @ rows.T.astype("float64")
    products = gramian @ weights
    return (weights @ products - products.min()) / np.trace(gramian)


def by_nnls(rows):
    """The point of least norm, in float64, from the rows themselves.

    Minimises `|sum v_k u_k|^2 + (a @ v - 1)^2` over `v >= 0`.
    """
    rows = rows.astype("float64")
    lengths = np.linalg.norm(rows, axis=1)
    a = lengths.min() / lengths
    matrix = np.concatenate([(rows / lengths[:, None]).T, a[None]])
    right = np.append(np.zeros(rows.shape[1]), 1.0)
    v, _ = scipy.optimize.nnls(matrix, right, maxiter=10_000)
    weights = v * a
    return weights / weights.sum()


@pytest.mark.parametrize("num_rows", [2, 3, 8, 20, 64])
def test_no_point_of_the_hull_is_shorter(num_rows):
    for seed in range(2):
        for family, rows in families(num_rows, seed).items():
            weights = solved(rows @ rows.T).astype("float64")
            assert weights.min() >= 0, family
            np.testing.assert_allclose(weights.sum(), 1, rtol=1e-6)
            assert duality_gap(rows, weights) <= 1e-6, family


@pytest.mark.parametrize("num_rows", [2, 8, 64])
def test_point_is_that_of_nnls(num_rows):
    for family, rows in families(num_rows, seed=3).items():
        if family == "a zero row":
            continue
        weights = solved(rows @ rows.T).astype("float64")
        error = (weights - by_nnls(rows)) @ rows.astype("float64")
        # The shortest row is the measure, not the longest.
        shortest = np.linalg.norm(rows.astype("float64"), axis=1).min()
        assert np.linalg.norm(error) <= 1e-4 * shortest, family


def test_two_rows_by_hand():
    # Of (1, 0) and (0, 2): w0 = 4 / 5. A row beyond the other's: not at all.
    np.testing.assert_allclose(solved([[1, 0], [0, 4]]), [0.8, 0.2], rtol=1e-5)
    np.testing.assert_allclose(
        solved([[1, 2], [2, 9]]), [1, 0], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        solved([[1, -1], [-1, 1]]), [0.5, 0.5], rtol=1e-5
    )


def test_one_row_has_all_the_weight():
    np.testing.assert_allclose(solved([[7.0]]), [1.0], rtol=1e-6)


def test_duplicate_rows_share_evenly():
    rows = np.random.default_rng(0).normal(size=(4, 9))
    rows = rows[[0, 1, 1, 2, 3, 1]]
    weights = solved(rows @ rows.T)
    np.testing.assert_allclose(weights[2], weights[1], rtol=1e-4)
    np.testing.assert_allclose(weights[5], weights[1], rtol=1e-4)


def test_zero_rows_share_all_the_weight():
    np.testing.assert_array_equal(solved(np.diag([0, 1, 0])), [0.5, 0, 0.5])
    np.testing.assert_array_equal(solved(np.zeros((2, 2))), [0.5, 0.5])


def test_absent_row_changes_nothing_for_the_others():
    rows = families(6)["conflicting"]
    present = np.array([1, 0, 1, 1, 0, 1], "float32")
    gramian = rows @ rows.T * np.outer(present, present)
    weights = solved(gramian, present)
    alone = rows[present > 0]
    np.testing.assert_array_equal(weights[present == 0], 0)
    np.testing.assert_allclose(
        weights[present > 0], solved(alone @ alone.T), rtol=1e-4, atol=1e-6
    )
    nobody = solved(np.zeros((2, 2)), np.zeros(2, "float32"))
    np.testing.assert_array_equal(nobody, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_gramian_that_is_not_finite_gives_nan_and_no_error(value):
    gramian = np.eye(3)
    gramian[0, 1] = gramian[1, 0] = value
    assert np.isnan(solved(gramian)).all()


@pytest.mark.sampled
@pytest.mark.parametrize("num_rows", [3, 40])
def test_under_xla(num_rows):
    rows = families(num_rows)["conflicting"]
    gramian = ops.convert_to_tensor(rows @ rows.T)
    present = ops.ones((num_rows,), "float32")
    weights = to_numpy(compiled(min_norm, xla=True)(gramian, present))
    assert duality_gap(rows, weights.astype("float64")) <= 1e-6
