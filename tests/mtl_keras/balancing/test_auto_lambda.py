"""Auto-Lambda: against the outer loss after a step, by finite differences."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.balancing.test_sdmgrad import halves
from tests.test_case import to_numpy


def outer_slope(inner, outer, weights, primary, rate=1e-6):
    """How the outer loss, linear here, changes with each inner weight."""

    def loss(weights):
        step = -rate * weights @ inner
        return sum(outer[p] @ step for p in primary) / rate

    return np.array(
        [
            (loss(weights + 1e-3 * e) - loss(weights - 1e-3 * e)) / 2e-3
            for e in np.eye(len(weights))
        ]
    )


@pytest.mark.parametrize("primary", [None, "b"])
def test_first_step_goes_down_the_outer_loss(primary):
    """Adam's first step is the learning rate against the slope's sign."""
    rows, _ = halves(2)
    balancer = balancing.AutoLambda(primary=primary, learning_rate=0.01)
    balancer.bind(("a", "b", "c"))
    weights = np.full(3, 0.1)
    places = [1] if primary else [0, 1, 2]
    slope = outer_slope(rows[:3], rows[3:], weights, places)
    scaled = np.concatenate([weights, weights])[:, None] * rows
    gramian = scaled[:3] @ scaled[:3].T
    balancer.update(gramian, halves=scaled @ scaled.T)
    received = to_numpy(balancer.head_weights())
    np.testing.assert_allclose(
        received, weights - 0.01 * np.sign(slope), rtol=1e-3
    )
    np.testing.assert_array_equal(to_numpy(balancer.weights(gramian)), 1.0)


def test_task_against_the_primary_one_falls_to_the_bound():
    rng = np.random.default_rng(0)
    balancer = balancing.AutoLambda(primary="a", learning_rate=0.01)
    balancer.bind(("a", "b", "c"))
    base = np.array([[1.0, 0, 0], [0.8, 0.6, 0], [-0.8, 0, 0.6]])
    for _ in range(30):
        weights = to_numpy(balancer.head_weights())
        rows = np.concatenate([base, base]) + 0.1 * rng.normal(size=(6, 3))
        rows = np.concatenate([weights, weights])[:, None] * rows
        balancer.update(rows[:3] @ rows[:3].T, halves=rows @ rows.T)
    weights = to_numpy(balancer.head_weights())
    assert weights[0] > 0.3 and weights[1] > 0.3
    assert weights[2] == pytest.approx(1e-4)


def test_absent_primary_task_moves_nothing():
    rows, products = halves(0)
    balancer = balancing.AutoLambda(primary="b")
    balancer.bind(("a", "b", "c"))
    balancer.update(products[:3, :3], present=[1, 0, 1], halves=products)
    np.testing.assert_allclose(to_numpy(balancer.head_weights()), 0.1)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`primary` names.*mean 'box'"):
        balancing.AutoLambda(primary="bok").bind(("box", "cls"))
    for wrong in ({"primary": 1}, {"learning_rate": 0.0}):
        with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`"):
            balancing.AutoLambda(**wrong)
