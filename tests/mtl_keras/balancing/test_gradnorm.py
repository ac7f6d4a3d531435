"""GradNorm: its step worked in NumPy beside it."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy

ROWS = families(3)["conflicting"]
PLAIN = np.linalg.norm(ROWS.astype("float64"), axis=1)


def learned(balancer, size=3):
    return to_numpy(balancer.head_weights(np.ones(size), np.ones(size)))


def step(balancer, rows, losses, present=None):
    """Updates as an engine does: on rows that the weights multiplied."""
    present = np.ones(len(rows)) if present is None else np.asarray(present)
    rows = to_numpy(balancer.head_weights(losses, present))[:, None] * rows
    balancer.update(rows @ rows.T, losses, present)


def gradient_signs(weights, plain, rates, alpha):
    """The sign of each task's part of the paper's gradient."""
    lengths = weights * plain
    return np.sign(lengths - lengths.mean() * (rates / rates.mean()) ** alpha)


def test_weights_start_at_one_and_count_once():
    balancer = balancing.GradNorm()
    np.testing.assert_allclose(
        to_numpy(balancer.combine(ROWS, np.ones(3))),
        ROWS.sum(axis=0),
        rtol=1e-5,
        atol=1e-5,
    )
    for losses in ([1.0, 2.0, 3.0], [0.5, 2.0, 2.0], [0.4, 2.0, 1.0]):
        step(balancer, ROWS, losses)
    weights = learned(balancer)
    assert np.abs(weights - 1).max() > 0.01
    np.testing.assert_allclose(
        to_numpy(balancer.combine(ROWS, np.ones(3))),
        weights @ ROWS,
        rtol=1e-4,
        atol=1e-4,
    )
    scaled = weights[:, None] * ROWS
    np.testing.assert_array_equal(
        to_numpy(balancer.weights(scaled @ scaled.T, np.ones(3))), 1
    )


def test_first_step_is_adams_towards_the_mean_length():
    balancer = balancing.GradNorm(learning_rate=0.1)
    step(balancer, ROWS, [1.0, 2.0, 3.0])
    # Adam's first step is its learning rate, against the sign.
    signs = gradient_signs(np.ones(3), PLAIN, np.ones(3), 1.5)
    expected = 1 - 0.1 * signs
    expected = 3 * expected / expected.sum()
    np.testing.assert_allclose(learned(balancer), expected, rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 1.5])
def test_task_that_lags_is_pulled_up(alpha):
    balancer = balancing.GradNorm(alpha=alpha, learning_rate=1e-3)
    first, later = np.array([1.0, 4.0, 9.0]), np.array([1.0, 0.4, 0.9])
    rows = np.eye(3)
    step(balancer, rows, first)
    # Equally long rows at equal rates: nothing moves.
    np.testing.assert_allclose(learned(balancer), 1, rtol=1e-6)
    step(balancer, rows, later)
    weights = learned(balancer)
    if alpha == 0:
        np.testing.assert_allclose(weights, 1, rtol=1e-6)
    else:
        assert weights[0] > 1.0005
        np.testing.assert_allclose(weights[1], weights[2], rtol=1e-6)
        assert weights[1] < 1


@pytest.mark.slow
def test_lengths_become_equal_without_rates():
    balancer = balancing.GradNorm(alpha=0.0, learning_rate=0.02)
    rows = np.diag([1.0, 2.0, 4.0])
    for _ in range(300):
        step(balancer, rows, np.ones(3))
    weights = learned(balancer)
    np.testing.assert_allclose(weights.sum(), 3, rtol=1e-5)
    # w proportional to 1, 1/2, 1/4, up to Adam's last steps.
    np.testing.assert_allclose(weights, [12 / 7, 6 / 7, 3 / 7], atol=0.08)


def test_first_loss_of_a_task_is_the_first_it_has():
    balancer = balancing.GradNorm(learning_rate=0.1)
    rows = np.eye(3)
    step(balancer, rows, [1.0, np.nan, 1.0], [1, 0, 1])
    weights = learned(balancer)
    np.testing.assert_allclose(weights, 1, rtol=1e-6)
    step(balancer, rows, [1.0, 5.0, 1.0])
    # At its first loss the task's rate is that of the others.
    np.testing.assert_allclose(learned(balancer), 1, rtol=1e-6)
    step(balancer, rows, [1.0, 1.0, 1.0])
    assert learned(balancer)[1] < 1


def test_absent_task_keeps_its_weight():
    balancer = balancing.GradNorm(learning_rate=0.1)
    step(balancer, np.diag([1.0, 1.0, 5.0]), np.ones(3), [1, 0, 1])
    weights = learned(balancer)
    np.testing.assert_allclose(weights, [1.1, 1.0, 0.9], rtol=1e-5)


def test_weights_are_never_negative():
    balancer = balancing.GradNorm(learning_rate=1.0)
    rows = np.diag([1.0, 1.0, 1e4])
    for _ in range(5):
        step(balancer, rows, np.ones(3))
        weights = learned(balancer)
        assert weights.min() >= 0
        np.testing.assert_allclose(weights.sum(), 3, rtol=1e-5)


def test_unit_of_the_losses_is_without_effect():
    plain, scaled = balancing.GradNorm(), balancing.GradNorm()
    for losses in ([1.0, 2.0, 3.0], [0.5, 2.0, 2.0]):
        losses = np.array(losses)
        step(plain, ROWS, losses)
        step(scaled, 1e-6 * ROWS, 1e-6 * losses)
    np.testing.assert_allclose(learned(scaled), learned(plain), rtol=1e-5)


def test_last_shared_layer_is_the_default():
    assert balancing.GradNorm().on == "last_shared"
