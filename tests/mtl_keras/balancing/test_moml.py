"""MOML: against the outer losses after a step, by finite differences."""

import numpy as np
import pytest
import scipy.optimize

from mtl_keras import balancing
from tests.mtl_keras.balancing.test_sdmgrad import halves
from tests.test_case import to_numpy


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def slopes_of(inner, outer, logits):
    """Each outer loss's slope in the logits; the losses are linear here."""
    eye = 1e-4 * np.eye(len(logits))
    return (
        np.array(
            [
                [
                    -(softmax(logits + e) - softmax(logits - e)) @ inner @ row
                    for e in eye
                ]
                for row in outer
            ]
        )
        / 2e-4
    )


def common(slopes):
    """MGDA's combination of the slopes at length one, by SciPy."""
    unit = slopes / np.linalg.norm(slopes, axis=1, keepdims=True)
    result = scipy.optimize.minimize(
        lambda w: np.sum((w @ unit) ** 2),
        np.full(len(slopes), 1 / len(slopes)),
        bounds=[(0, 1)] * len(slopes),
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14},
    )
    return result.x @ unit


def test_first_step_goes_down_the_common_slope():
    rng = np.random.default_rng(3)
    mean = rng.normal(size=12)
    rows = mean + 0.8 * rng.normal(size=(6, 12))
    # The outer losses agree that the first task is best.
    rows[[0, 3]] *= 2.0
    slope = common(slopes_of(rows[:3], rows[3:], np.zeros(3)))
    assert np.abs(slope).min() > 1e-3
    balancer = balancing.MOML(learning_rate=0.01)
    # At first each is weighed by 1.
    scaled = rows
    balancer.update(scaled[:3] @ scaled[:3].T, halves=scaled @ scaled.T)
    np.testing.assert_allclose(
        to_numpy(balancer.state(3)["logits"]), -0.01 * np.sign(slope), rtol=1e-3
    )


def test_weights_are_the_softmax_over_the_tasks_present():
    balancer = balancing.MOML(learning_rate=0.5)
    for seed in range(3):
        rows, products = halves(seed)
        balancer.update(products[:3, :3], halves=products)
    logits = to_numpy(balancer.state(3)["logits"])
    np.testing.assert_allclose(
        to_numpy(balancer.head_weights(present=[1, 0, 1])),
        2 * np.insert(softmax(logits[[0, 2]]), 1, 0.0),
        rtol=1e-5,
    )


def test_hyperparameters_out_of_range():
    with pytest.raises(ValueError, match="`learning_rate`.*Received"):
        balancing.MOML(learning_rate=0.0)
