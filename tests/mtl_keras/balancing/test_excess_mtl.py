"""ExcessMTL: against the authors' procedure in NumPy."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.test_case import to_numpy


def batches(num_steps=4, seed=0):
    rng = np.random.default_rng(seed)
    for t in range(num_steps):
        # The second task's gradients shrink: it nears its optimum.
        yield rng.normal(size=(3, 12)) * [[1.0], [5.0 * 0.3**t], [0.01]]


@pytest.mark.parametrize("step_size", [0.01, 1.0])
def test_directions_are_those_of_the_procedure(step_size):
    balancer = balancing.ExcessMTL(step_size=step_size)
    squares, weights, first = np.zeros((3, 12)), np.ones(3), None
    for rows in batches():
        squares = squares + rows**2
        risks = (rows**2 / np.sqrt(squares)).sum(axis=1)
        if first is None:
            first = risks
        else:
            weights = weights * np.exp(step_size * risks / first)
            weights = 3 * weights / weights.sum()
        received = to_numpy(balancer.combine(rows))
        np.testing.assert_allclose(
            received, weights @ rows, rtol=1e-4, atol=1e-5
        )
        balancer.update(jacobian=rows)
    # The task that has arrived matters less.
    assert weights[1] == weights.min()


def test_row_of_zeros_loses_weight():
    balancer = balancing.ExcessMTL(step_size=1.0)
    rows = next(batches(1))
    rows[0] = 0
    balancer.update(jacobian=rows)
    log_weights = to_numpy(balancer.state(3, 12)["log_weights"])
    np.testing.assert_allclose(np.exp(log_weights).sum(), 3, rtol=1e-5)
    np.testing.assert_allclose(log_weights[1], log_weights[2], rtol=1e-5)
    np.testing.assert_allclose(log_weights[1] - log_weights[0], 1.0, rtol=1e-5)


def test_extreme_risk_takes_all_the_weight_and_stays_finite():
    balancer = balancing.ExcessMTL(step_size=1.0)
    rows = next(batches(1))
    balancer.update(jacobian=1e-15 * rows)
    rows[1:] *= 1e-15
    direction = to_numpy(balancer.combine(rows))
    np.testing.assert_allclose(direction, 3 * rows[0], rtol=1e-5)


def test_absent_task_keeps_its_weight():
    balancer = balancing.ExcessMTL(step_size=1.0)
    for rows in batches(3):
        balancer.update(jacobian=rows, present=[1, 1, 0])
    log_weights = to_numpy(balancer.state(3, 12)["log_weights"])
    assert log_weights[2] == 0
    np.testing.assert_allclose(np.exp(log_weights[:2]).sum(), 2, rtol=1e-5)
    assert log_weights[0] > log_weights[1]
