"""CAGrad's inner problem: by weak duality, and by brute force."""

import functools

import numpy as np
import pytest
import scipy.optimize
from keras import ops

from mtl_keras.balancing.solvers.cagrad import conflict_averse
from tests.mtl_keras.balancing.compiled import compiled
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy


@functools.cache
def solver(c, xla=False):
    def function(gramian, shares, present):
        return conflict_averse(gramian, shares, c, present)

    return compiled(function, xla=xla)


def solved(rows, c, shares=None, xla=False):
    """The weights of the direction and `w`, in float64."""
    size = len(rows)
    if shares is None:
        shares = np.full(size, 1 / size)
    given = [
        ops.convert_to_tensor(each.astype("float32"))
        for each in (rows @ rows.T, shares, np.ones(size))
    ]
    found = solver(c, xla)(*given)
    return [to_numpy(each).astype("float64") for each in found]


class Problem:
    """The inner problem in float64; lengths in units of the shortest row."""

    def __init__(self, rows, c, shares=None):
        rows = rows.astype("float64")
        size = len(rows)
        self.shares = np.full(size, 1 / size) if shares is None else shares
        mean = self.shares @ rows
        self.size, self.c = size, c
        self.lengths = np.linalg.norm(rows, axis=1)
        self.rows = rows / self.lengths.min()
        self.mean = mean / np.linalg.norm(mean)
        self.unit = 1 / np.linalg.norm(mean)
        self.own_rows = rows

    def objective(self, w):
        g_w = w @ self.rows
        return g_w @ self.mean + self.c * np.linalg.norm(g_w)

    def worst_gain(self, weights):
        direction = weights @ self.own_rows * self.unit
        return (self.rows @ direction).min()

    def distance(self, weights):
        """How far the direction is from the mean, over `c * |g0|`."""
        direction = weights @ self.own_rows * self.unit
        return np.linalg.norm(direction - self.mean) / self.c

    def by_brute_force(self, tries=10):
        rng = np.random.default_rng(0)
        best = np.inf
        for _ in range(tries):
            found = scipy.optimize.minimize(
                lambda w: self.objective(np.maximum(w, 0)),
                rng.dirichlet(np.ones(self.size)),
                bounds=[(0, 1)] * self.size,
                constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
                method="SLSQP",
                options={"maxiter": 500, "ftol": 1e-13},
            )
            w = np.maximum(found.x, 0)
            best = min(best, self.objective(w / w.sum()))
        return best


# Rows of one order of length, so that the shortest is a fair measure.
FAMILIES = (
    "1 dimension",
    "2 dimensions",
    "3 dimensions",
    "as many dimensions",
    "2 dimensions more",
    "1000 dimensions",
    "conflicting",
    "duplicates",
    "opposite pair",
    "nearly alike",
)


@pytest.mark.sampled
@pytest.mark.parametrize("c", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("num_rows", [2, 3, 5])
def test_objective_is_that_of_brute_force(num_rows, c):
    for seed in range(2):
        for family in FAMILIES:
            rows = families(num_rows, seed)[family]
            if family == "opposite pair" and num_rows == 2:
                # The mean is zero, and so is the objective.
                continue
            problem = Problem(rows, c)
            _, w = solved(rows, c)
            np.testing.assert_allclose(w.sum(), 1, rtol=1e-5)
            assert w.min() >= 0
            error = problem.objective(w) - problem.by_brute_force()
            ratio = problem.lengths.max() / problem.lengths.min()
            assert abs(error) <= 1e-4 * ratio, (family, seed)


@pytest.mark.sampled
@pytest.mark.parametrize("c", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("num_rows", [3, 20, 64])
def test_worst_gain_meets_the_objective(num_rows, c):
    # Weak duality: the worst gain of any direction within `c * |g0|` is at
    # most the objective of any `w`. Where they meet, both are optimal.
    for family in FAMILIES:
        rows = families(num_rows)[family]
        problem = Problem(rows, c)
        weights, w = solved(rows, c)
        assert problem.distance(weights) <= 1 + 1e-3, family
        gap = problem.objective(w) - problem.worst_gain(weights)
        ratio = problem.lengths.max() / problem.lengths.min()
        assert -1e-3 * ratio <= gap <= 1e-3 * ratio, family


def test_two_rows_by_hand():
    # Equally long and orthogonal: all is symmetric, the direction is
    # (1 + c) * g0.
    weights, w = solved(np.eye(2), 0.5)
    np.testing.assert_allclose(w, [0.5, 0.5], rtol=1e-5)
    np.testing.assert_allclose(weights, [0.75, 0.75], rtol=1e-4)


def test_length_of_a_row_does_not_count_where_it_is_not_in_the_way():
    rows = np.array([[1.0, 0.0], [0.3, 1e8]])
    weights, _ = solved(rows, 0.5)
    # g0 is along the long row; the whole change helps the short one.
    length = np.linalg.norm(rows.mean(axis=0))
    np.testing.assert_allclose(weights[1], 0.5, rtol=1e-3)
    np.testing.assert_allclose(weights[0], 0.5 * length, rtol=1e-3)


def test_zero_row_takes_no_part():
    rows = families(4)["conflicting"]
    weights, w = solved(rows, 0.5, np.array([0.25] * 4))
    with_zero = np.concatenate([rows, np.zeros_like(rows[:1])])
    shares = np.array([0.25] * 4 + [0.0])
    more_weights, more_w = solved(with_zero, 0.5, shares)
    assert more_w[4] == 0
    np.testing.assert_allclose(more_w[:4], w, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(more_weights[:4], weights, rtol=1e-3)


def test_zero_mean_and_no_rows_leave_the_shares():
    weights, _ = solved(np.array([[1.0, 2.0], [-1.0, -2.0]]), 0.5)
    np.testing.assert_allclose(weights, [0.5, 0.5])
    weights, _ = solved(np.zeros((3, 4)), 0.5)
    np.testing.assert_allclose(weights, [1 / 3] * 3, rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_gramian_that_is_not_finite_gives_nan_and_no_error(value):
    rows = np.ones((3, 2))
    rows[1, 1] = value
    weights, w = solved(rows, 0.5)
    assert np.isnan(weights).all()
    assert np.isnan(w).all()


@pytest.mark.sampled
@pytest.mark.parametrize("num_rows", [3, 40])
def test_under_xla(num_rows):
    rows = families(num_rows)["conflicting"]
    weights, w = solved(rows, 0.5, xla=True)
    problem = Problem(rows, 0.5)
    assert problem.objective(w) - problem.worst_gain(weights) <= 1e-3


@pytest.mark.sampled
@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_many_tasks_gain_as_much_as_by_the_interior_point_method(spread):
    """Of more than 64 tasks another method solves the problem."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(65, 400)) + 0.1 * rng.normal(size=400)
    rows *= np.exp(spread * rng.normal(size=(65, 1)))
    problem = Problem(rows, 0.5)
    weights, w = solved(rows, 0.5)
    # No direction can gain more than the dual of any `w`.
    bound = problem.objective(w)
    gain = problem.worst_gain(weights)
    assert problem.worst_gain(problem.shares) < gain
    assert bound - 2e-3 * abs(bound) < gain < bound * (1 + 1e-4) + 1e-6
    assert problem.distance(weights) == pytest.approx(1.0, abs=1e-3)
