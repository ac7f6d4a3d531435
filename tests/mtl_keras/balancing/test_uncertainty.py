"""Uncertainty weighting: where it converges to, and what leaves it alone."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.test_case import to_numpy

LOSSES = np.array([0.2, 1.0, 5.0], "float32")


def trained(balancer, losses, steps, present=None):
    for _ in range(steps):
        balancer.update(losses=losses, present=present)
    return balancer


def test_first_weights_are_a_half():
    weights = balancing.Uncertainty().weights(losses=LOSSES)
    np.testing.assert_array_equal(to_numpy(weights), 0.5)


def test_first_step_by_hand():
    # Adam's first step is the learning rate against the gradient's sign:
    # (1 - 0.2) / 2 > 0, (1 - 1) / 2 = 0, (1 - 5) / 2 < 0.
    balancer = trained(balancing.Uncertainty(0.1), LOSSES, 1)
    expected = 0.5 * np.exp([0.1, 0.0, -0.1])
    weights = to_numpy(balancer.weights(losses=LOSSES))
    np.testing.assert_allclose(weights, expected, rtol=1e-5)


def test_variance_converges_to_the_loss():
    # d/ds of L / (2 e^s) + s / 2 vanishes at s = log L.
    balancer = trained(balancing.Uncertainty(0.1), LOSSES, 300)
    weights = to_numpy(balancer.weights(losses=LOSSES))
    np.testing.assert_allclose(weights, 1 / (2 * LOSSES), rtol=1e-3)


def test_weights_read_no_loss_of_their_own_step():
    balancer = trained(balancing.Uncertainty(), LOSSES, 5)
    other = to_numpy(balancer.weights(losses=100 * LOSSES))
    np.testing.assert_array_equal(
        other, to_numpy(balancer.weights(losses=LOSSES))
    )


@pytest.mark.parametrize("loss", [0.0, -3.0])
def test_without_an_optimum_nothing_moves(loss):
    balancer = trained(balancing.Uncertainty(), [loss, 1.5], 3)
    state = {k: to_numpy(v) for k, v in balancer.state(2).items()}
    assert state["s"][0] == 0 and state["s"][1] > 0
    np.testing.assert_array_equal(state["adam_count"], [0, 3])


def test_absent_task_keeps_its_variance():
    balancer = trained(balancing.Uncertainty(), LOSSES, 5)
    before = to_numpy(balancer.state(3)["s"])
    trained(balancer, LOSSES, 5, present=[1, 0, 1])
    after = to_numpy(balancer.state(3)["s"])
    assert after[1] == before[1]
    assert after[0] < before[0] and after[2] > before[2]


def test_learning_rate_must_be_positive():
    with pytest.raises(ValueError, match="`learning_rate`.*Received"):
        balancing.Uncertainty(learning_rate=-1)
