"""FORUM: against the authors' algorithm on explicit rows, by SciPy."""

import numpy as np
import pytest
import scipy.optimize

from mtl_keras import balancing
from tests.mtl_keras.balancing.test_moml import softmax
from tests.mtl_keras.balancing.test_sdmgrad import halves
from tests.test_case import to_numpy


def best_mix(units, constraint, rho):
    """The dual of `min_d max_k -u_k @ d + |d|^2 / 2`, `g @ d >= rho |g|^2`."""
    rows = np.concatenate([units, constraint[None]])
    count = len(units)

    def value(x):
        rate = rho * constraint @ constraint
        return np.sum((x @ rows) ** 2) / 2 - rate * x[-1]

    result = scipy.optimize.minimize(
        value,
        np.append(np.full(count, 1 / count), 0.1),
        bounds=[(0, None)] * (count + 1),
        constraints={"type": "eq", "fun": lambda x: x[:-1].sum() - 1},
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    return result.x[:-1]


class Algorithm:
    """FORUM in float64, on the rows themselves; `z` is logits and trunk."""

    def __init__(self, num_tasks, rho=0.1, inner_rate=0.5, decay=0.75):
        self.rho, self.inner_rate, self.decay = rho, inner_rate, decay
        self.logits = np.zeros(num_tasks)
        self.mix = np.zeros(num_tasks)
        self.steps = 0

    def step(self, inner, outer):
        """Returns the direction of the logits, and the rows' weights."""
        whole = (inner + outer) / 2
        unit = np.mean(np.linalg.norm(whole, axis=1))
        inner, outer = inner / unit, outer / unit
        count = len(inner)
        shares = softmax(self.logits)
        # Linear losses: a step of the lower level lowers them by this.
        gap = inner @ (self.inner_rate * shares @ inner)
        jacobian = np.diag(shares) - np.outer(shares, shares)
        constraint = np.concatenate([jacobian @ gap, shares @ inner])
        units = outer / np.linalg.norm(outer, axis=1, keepdims=True)
        units = np.concatenate([np.zeros((count, count)), units], axis=1)
        self.steps += 1
        best = best_mix(units, constraint, self.rho)
        self.mix = self.mix + self.steps**-self.decay * (best - self.mix)
        square = constraint @ constraint
        lacks = self.rho - units @ constraint / square
        nu = max(self.mix @ lacks, 0.0)
        weights = self.mix * unit / np.linalg.norm(whole, axis=1) + nu * shares
        return nu * constraint[:count], weights


def opposed(seed):
    """Halves whose inner gradients oppose some of the outer ones."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(6, 12))
    rows[3:] = 0.5 * rows[3:] - 0.4 * rows[:3].mean(axis=0)
    return rows, rows @ rows.T


def gramian_of(rows):
    whole = (rows[:3] + rows[3:]) / 2
    return whole @ whole.T


@pytest.mark.parametrize(
    ("rows_of", "chosen"),
    [
        (halves, {}),
        (opposed, {"rho": 1.5, "inner_rate": 2.0, "decay": 0.25}),
    ],
)
def test_weights_are_those_of_the_algorithm(rows_of, chosen):
    expected = Algorithm(3, **chosen)
    balancer = balancing.FORUM(learning_rate=0.3, **chosen)
    for seed in range(3):
        rows, products = rows_of(seed)
        slope, weights = expected.step(rows[:3], rows[3:])
        received = balancer.weights(gramian_of(rows), halves=products)
        np.testing.assert_allclose(to_numpy(received), weights, rtol=1e-3)
        balancer.update(gramian_of(rows), halves=products)
        state = {k: to_numpy(v) for k, v in balancer.state(3).items()}
        np.testing.assert_allclose(
            state["task_weights"], expected.mix, atol=1e-4
        )
        if seed == 0 and slope.any():
            # Adam's first step has the rate's length, against the slope.
            np.testing.assert_allclose(
                state["logits"], -0.3 * np.sign(slope), rtol=1e-3
            )
        # The logits enter as they are: Adam is tested beside.
        expected.logits = state["logits"].astype("float64")


def test_constraint_acts_where_the_levels_oppose_each_other():
    """The direction lowers the weighted inner loss at the rate `rho`."""
    rows, products = opposed(0)
    balancer = balancing.FORUM(rho=2.0, decay=0.0)
    inner, outer = rows[:3], rows[3:]
    weights = to_numpy(balancer.weights(gramian_of(rows), halves=products))
    plain = to_numpy(
        balancing.FORUM(rho=0.0, decay=0.0).weights(
            gramian_of(rows), halves=products
        )
    )
    assert (inner.mean(axis=0) @ (weights @ (inner + outer))) > (
        inner.mean(axis=0) @ (plain @ (inner + outer))
    )
    assert not np.allclose(weights, plain, rtol=1e-2)


def test_levels_that_agree_leave_mgda_on_unit_rows():
    rows, products = halves(0)
    balancer = balancing.FORUM(rho=0.0)
    received = to_numpy(balancer.combine(rows[3:]))
    mgda = balancing.MGDA(normalization="l2")
    lengths = np.linalg.norm(rows[3:], axis=1)
    mix = to_numpy(mgda.weights(products[3:, 3:]))
    expected = lengths.mean() * mix @ (rows[3:] / lengths[:, None])
    np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-4)


def test_task_that_one_half_lacks_keeps_its_weight():
    rows, _ = halves(0)
    balancer = balancing.FORUM()
    balancer.update(gramian_of(rows), halves=rows @ rows.T)
    before = to_numpy(balancer.state(3)["task_weights"])
    rows, _ = halves(1)
    rows[4] = 0.0
    balancer.update(gramian_of(rows), halves=rows @ rows.T)
    after = to_numpy(balancer.state(3)["task_weights"])
    assert after[1] == before[1] and after[0] != before[0]
    assert after.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rho": -1.0},
        {"inner_rate": 0.0},
        {"learning_rate": 0.0},
        {"decay": 1.5},
    ],
)
def test_hyperparameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`.*Received"):
        balancing.FORUM(**wrong)


def test_features_are_no_level():
    with pytest.raises(ValueError, match="'parameters', 'last_shared'"):
        balancing.FORUM(on="features")
