"""SDMGrad: against the algorithm in NumPy, on two halves."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.balancing.test_moco import on_simplex
from tests.test_case import to_numpy


def halves(seed):
    """Rows of two halves, and the products of all of them."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(size=(3, 12))
    rows = np.concatenate([mean, mean]) + 0.3 * rng.normal(size=(6, 12))
    return rows, rows @ rows.T


def moved(products, weights, target, settings):
    lengths = np.sqrt(np.diag(products))
    cross = products[:3, 3:] / np.sum(lengths[:3] * lengths[3:])
    velocity = 0.0
    for _ in range(settings["steps"]):
        slope = cross @ (weights + settings["pull"] * target)
        velocity = settings["momentum"] * velocity + slope
        weights = on_simplex(weights - settings["learning_rate"] * velocity)
    return weights


@pytest.mark.parametrize(
    "chosen", [{}, {"pull": 0.0, "learning_rate": 0.5, "steps": 3}]
)
def test_weights_are_those_of_the_algorithm(chosen):
    settings = {
        "pull": 0.3,
        "learning_rate": 1.0,
        "momentum": 0.5,
        "steps": 20,
        **chosen,
    }
    preference = {"a": 2.0, "b": 1.0, "c": 1.0}
    target = np.array([0.5, 0.25, 0.25])
    balancer = balancing.SDMGrad(preference=preference, **chosen)
    weights = np.full(3, 1 / 3)
    for seed in range(4):
        rows, products = halves(seed)
        whole = (rows[:3] + rows[3:]) / 2
        gramian = whole @ whole.T
        weights = moved(products, weights, target, settings)
        pull = settings["pull"]
        expected = (weights + pull * target) / (1 + pull)
        received = balancer.weights(gramian, halves=products)
        np.testing.assert_allclose(to_numpy(received), expected, atol=1e-4)
        balancer.update(gramian, halves=products)


def test_without_halves_the_batch_is_both():
    rows, _ = halves(0)
    gramian = rows[:3] @ rows[:3].T
    balancer = balancing.SDMGrad()
    both = np.tile(gramian, (2, 2))
    np.testing.assert_array_equal(
        to_numpy(balancer.weights(gramian)),
        to_numpy(balancer.weights(gramian, halves=both)),
    )


def test_strong_pull_is_the_mean():
    rows, _ = halves(1)
    direction = to_numpy(balancing.SDMGrad(pull=1e4).combine(rows[:3]))
    np.testing.assert_allclose(direction, rows[:3].mean(axis=0), atol=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [{"pull": -1.0}, {"learning_rate": 0.0}, {"momentum": 1.0}, {"steps": 0}],
)
def test_hyperparameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`.*Received"):
        balancing.SDMGrad(**wrong)


def test_features_are_no_level():
    with pytest.raises(ValueError, match="'parameters', 'last_shared'"):
        balancing.SDMGrad(on="features")
