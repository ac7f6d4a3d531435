"""MoCo: against the algorithm in NumPy."""

import numpy as np
import pytest
import scipy.optimize

from mtl_keras import balancing
from tests.test_case import to_numpy


def batches(num_steps=4, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(num_steps):
        yield rng.normal(size=(3, 12)), rng.uniform(0.3, 3.0, 3)


def on_simplex(point):
    """The nearest point of the simplex, by SciPy's root of its threshold."""
    excess = scipy.optimize.brentq(
        lambda t: np.maximum(point - t, 0).sum() - 1,
        point.min() - 1,
        point.max(),
        xtol=1e-14,
    )
    return np.maximum(point - excess, 0)


def by_algorithm(steps, beta, beta_decay, gamma, gamma_decay, rho, by_loss):
    """The directions of these steps, in float64."""
    y, w = np.zeros((3, 12)), np.full(3, 1 / 3)
    for t, (rows, losses) in enumerate(steps, start=1):
        if by_loss:
            lengths = np.linalg.norm(rows, axis=1)
            rows = (losses / lengths)[:, None] * rows
        y = y + beta / t**beta_decay * (rows - y)
        slope = (y @ y.T + rho * np.eye(3)) @ w
        w = on_simplex(w - gamma / t**gamma_decay * slope)
        yield w @ y


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"beta": 0.2, "gamma": 1.0, "rho": 0.3},
        {"beta_decay": 0.0, "gamma_decay": 0.0, "normalization": None},
        {"normalization": None, "gamma": 10.0},
    ],
)
def test_directions_are_those_of_the_algorithm(settings):
    chosen = {
        "beta": 0.5,
        "beta_decay": 0.5,
        "gamma": 0.1,
        "gamma_decay": 0.5,
        "rho": 0.0,
        **settings,
    }
    by_loss = chosen.pop("normalization", "loss") == "loss"
    balancer = balancing.MoCo(**settings)
    expected = by_algorithm(list(batches()), **chosen, by_loss=by_loss)
    for (rows, losses), direction in zip(batches(), expected, strict=True):
        received = to_numpy(balancer.combine(rows, losses))
        np.testing.assert_allclose(received, direction, rtol=1e-4, atol=1e-5)
        balancer.update(jacobian=rows, losses=losses)


def test_absent_task_keeps_what_was_tracked_of_it():
    balancer = balancing.MoCo()
    for rows, losses in batches(2):
        balancer.update(jacobian=rows, losses=losses)
    before = balancer.state(3, 12)
    before = {name: to_numpy(value) for name, value in before.items()}
    rows, losses = next(batches(1, seed=1))
    balancer.update(jacobian=rows, losses=losses, present=[1, 0, 1])
    after = balancer.state(3, 12)
    for name in ("tracked", "task_weights", "counts"):
        after_it = to_numpy(after[name])
        np.testing.assert_array_equal(after_it[1], before[name][1])
        assert (after_it[0] != before[name][0]).any()
    np.testing.assert_allclose(
        to_numpy(after["task_weights"]).sum(), 1, rtol=1e-6
    )


def test_losses_are_needed_where_they_set_lengths():
    with pytest.raises(ValueError, match="losses=None"):
        balancing.MoCo().combine(np.eye(2))
    balancer = balancing.MoCo(normalization=None, gamma=0.0, beta=1.0)
    np.testing.assert_allclose(
        to_numpy(balancer.combine(np.eye(2))), [0.5, 0.5], rtol=1e-6
    )


@pytest.mark.parametrize(
    "wrong", [{"beta": 0.0}, {"gamma": -1.0}, {"normalization": "l2"}]
)
def test_hyperparameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`.*Received"):
        balancing.MoCo(**wrong)
