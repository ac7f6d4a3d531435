"""CAGrad: its direction, on the paper's scale."""

import numpy as np
import pytest
import scipy.optimize

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy

ROWS = families(4)["conflicting"].astype("float64")


def combined(rows, **kwargs):
    return to_numpy(balancing.CAGrad(**kwargs).combine(rows))


def by_brute_force(rows, c, shares):
    """The paper's formula, `w` found by SciPy in float64."""
    mean = shares @ rows
    reach = c * np.linalg.norm(mean)
    best = None
    for seed in range(10):
        found = scipy.optimize.minimize(
            lambda w: w @ rows @ mean + reach * np.linalg.norm(w @ rows),
            np.random.default_rng(seed).dirichlet(np.ones(len(rows))),
            bounds=[(0, 1)] * len(rows),
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            method="SLSQP",
            options={"maxiter": 500, "ftol": 1e-14},
        )
        if best is None or found.fun < best.fun:
            best = found
    g_w = best.x @ rows
    return mean + reach * g_w / np.linalg.norm(g_w)


@pytest.mark.parametrize("c", [0.2, 0.5, 0.9])
def test_direction_is_the_formula_of_the_paper(c):
    expected = by_brute_force(ROWS, c, np.full(4, 0.25))
    error = np.linalg.norm(combined(ROWS, c=c) - expected)
    assert error <= 1e-3 * np.linalg.norm(expected)


def test_direction_is_as_far_from_the_mean_as_it_may():
    mean = ROWS.mean(axis=0)
    distance = np.linalg.norm(combined(ROWS, c=0.4) - mean)
    np.testing.assert_allclose(distance, 0.4 * np.linalg.norm(mean), rtol=1e-3)


def test_no_reach_is_the_mean():
    np.testing.assert_allclose(
        combined(ROWS, c=0), ROWS.mean(axis=0), rtol=1e-4, atol=1e-6
    )


def test_preference_weighs_the_mean():
    preference = {"a": 3.0, "b": 1.0}
    mean = np.array([0.75, 0.25]) @ ROWS[:2]
    np.testing.assert_allclose(
        combined(ROWS[:2], c=0, preference=preference),
        mean,
        rtol=1e-4,
        atol=1e-6,
    )
    expected = by_brute_force(ROWS[:2], 0.5, np.array([0.75, 0.25]))
    error = combined(ROWS[:2], preference=preference) - expected
    assert np.linalg.norm(error) <= 1e-3 * np.linalg.norm(expected)


def test_zero_row_counts_in_the_mean_alone():
    with_zero = np.concatenate([ROWS, np.zeros((1, ROWS.shape[1]))])
    expected = 0.8 * combined(ROWS)
    error = np.linalg.norm(combined(with_zero) - expected)
    assert error <= 1e-4 * np.linalg.norm(expected)


def test_opposite_tasks_gain_nothing_and_the_others_gain():
    rows = families(5)["opposite pair"]
    direction = combined(rows, c=0.8)
    gains = rows @ direction
    scale = np.linalg.norm(direction) * np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose((gains / scale)[[0, 4]], 0, atol=1e-3)
    assert (gains / scale)[1:4].min() > -1e-3


def test_two_opposite_rows_cancel():
    rows = np.stack([ROWS[0], -ROWS[0]])
    np.testing.assert_array_equal(combined(rows), 0)


def test_rescaled_direction_is_as_long_as_the_sum():
    direction = combined(ROWS, rescale="sum")
    np.testing.assert_allclose(
        np.linalg.norm(direction),
        np.linalg.norm(ROWS.sum(axis=0)),
        rtol=1e-3,
    )


@pytest.mark.parametrize("c", [-0.1, 1.0])
def test_reach_is_within_its_range(c):
    with pytest.raises(ValueError, match="`c`.*Received"):
        balancing.CAGrad(c=c)
