"""FAMO, against a float64 model of the authors' update."""

import numpy as np
import pytest
import scipy.special

from mtl_keras import balancing
from tests.test_case import to_numpy

RATE, GAMMA = 0.025, 0.01


def reference(trace, rate=RATE, gamma=GAMMA):
    """The weights for the last losses: Adam on the softmax's Jacobian."""
    logs = np.log(np.asarray(trace, "float64"))
    xi, mean, square = (np.zeros(logs.shape[1]) for _ in range(3))
    for step, drop in enumerate(logs[:-1] - logs[1:], start=1):
        z = scipy.special.softmax(xi)
        jacobian = np.diag(z) - np.outer(z, z)
        gradient = jacobian @ drop + gamma * xi
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        corrected = np.sqrt(square / (1 - 0.999**step)) + 1e-8
        xi = xi - rate * mean / (1 - 0.9**step) / corrected
    z, losses = scipy.special.softmax(xi), np.exp(logs[-1])
    return z / losses / np.sum(z / losses)


def after(losses, balancer=None, present=None):
    balancer = balancer or balancing.FAMO()
    for row in losses:
        balancer.update(losses=row, present=present)
    return balancer


def test_first_weights_are_inverse_losses_that_sum_to_one():
    weights = balancing.FAMO().weights(losses=[1.0, 4.0])
    np.testing.assert_allclose(to_numpy(weights), [0.8, 0.2], rtol=1e-6)


@pytest.mark.parametrize("rate, gamma", [(RATE, GAMMA), (0.1, 0.0)])
def test_weights_are_the_authors(rate, gamma):
    rng = np.random.default_rng(0)
    trace = np.exp(np.cumsum(rng.normal(size=(30, 3)) * 0.2 - 0.05, axis=0))
    balancer = after(trace[:-1], balancing.FAMO(rate, gamma))
    weights = to_numpy(balancer.weights(losses=trace[-1]))
    expected = reference(trace, rate, gamma)
    np.testing.assert_allclose(weights, expected, rtol=1e-3)


def test_given_losses_count_for_the_weights_at_once():
    # The second task stood still: its share of z rises by Adam's first step.
    balancer = after([[1.0, 1.0]])
    weights = to_numpy(balancer.weights(losses=[0.5, 1.0]))
    expected = reference([[1.0, 1.0], [0.5, 1.0]])
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
    z = weights * [0.5, 1.0]
    np.testing.assert_allclose(np.log(z[1] / z[0]), 2 * RATE, rtol=1e-4)


def test_update_keeps_the_logits_that_were_weighed_with():
    balancer = after([[1.0, 1.0]])
    weights = to_numpy(balancer.weights(losses=[0.5, 1.0]))
    balancer.update(losses=[0.5, 1.0])
    xi = to_numpy(balancer.state(2)["xi"])
    np.testing.assert_allclose(
        weights, scipy.special.softmax(xi - np.log([0.5, 1.0])), rtol=1e-5
    )


def test_slowest_task_gains_weight():
    trace = 0.99 ** (np.arange(100)[:, None] * np.array([1.0, 2.0, 3.0]))
    z = to_numpy(after(trace).state(3)["xi"])
    assert z[0] > z[1] > z[2]


def test_absent_task_keeps_its_logit():
    trace = [[1.0, 1.0, 1.0], [0.9, 0.8, 0.5], [0.8, 0.3, 0.2]]
    balancer = after(trace)
    before = {k: to_numpy(v) for k, v in balancer.state(3).items()}
    after([[0.7, 7.0, 0.1]], balancer, present=[1, 0, 1])
    for name, value in balancer.state(3).items():
        np.testing.assert_array_equal(to_numpy(value)[1], before[name][1])


def test_task_seen_for_the_first_time_does_not_move():
    balancer = after([[1.0, 1.0, 5.0]] * 2, present=[1, 1, 0])
    balancer.update(losses=[0.5, 0.6, 5.0])
    xi = to_numpy(balancer.state(3)["xi"])
    assert xi[2] == 0 and xi[0] < 0 < xi[1]


def test_loss_of_zero_takes_no_part():
    balancer = after([[1.0, 1.0, 1.0]])
    weights = to_numpy(balancer.weights(losses=[0.0, 1.0, 1.0]))
    np.testing.assert_allclose(weights, [0.0, 0.5, 0.5], rtol=1e-6)
