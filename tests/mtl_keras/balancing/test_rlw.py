"""RLW: what is drawn, and of what the draws are a function."""

import numpy as np
import pytest
import scipy.special

from mtl_keras import balancing
from mtl_keras.balancing import draws
from tests.test_case import to_numpy


def drawn(balancer, steps, size=3, present=None):
    balancer.bind([f"task_{k:02d}" for k in range(size)])
    rows = []
    for _ in range(steps):
        rows.append(to_numpy(balancer.weights(present=present)))
        balancer.update()
    return np.stack(rows)


def test_weights_are_a_softmax_of_normal_draws():
    weights = drawn(balancing.RLW(seed=7), 2)
    for step in (0, 1):
        numbers = to_numpy(draws.normal(7, step, (3,)))
        expected = scipy.special.softmax(numbers)
        np.testing.assert_allclose(weights[step], expected, rtol=1e-5)


def test_logarithms_are_normal():
    # A softmax shifts the logarithms of a step and leaves their spread.
    logs = np.log(drawn(balancing.RLW(), 8, size=64))
    numbers = logs - logs.mean(axis=1, keepdims=True)
    # 8 * 63 degrees of freedom; bounds of four standard errors.
    variance = np.sum(numbers**2) / (8 * 63)
    assert abs(variance - 1) < 4 * np.sqrt(2 / (8 * 63))
    # 68.3 % of normal draws lie within one standard deviation.
    within = np.mean(np.abs(numbers) < np.sqrt(variance))
    assert abs(within - 0.683) < 4 * np.sqrt(0.683 * 0.317 / (8 * 63))


def test_steps_and_seeds_differ():
    first, second = drawn(balancing.RLW(), 2)
    assert not np.allclose(first, second)
    assert not np.allclose(first, drawn(balancing.RLW(seed=1), 1)[0])
    np.testing.assert_array_equal(drawn(balancing.RLW(), 2)[1], second)


def test_absent_task_costs_the_others_no_draw():
    weights = drawn(balancing.RLW(), 2, present=[1, 0, 1])
    alone = drawn(balancing.RLW(), 2, size=2)
    np.testing.assert_allclose(weights[:, [0, 2]], alone, rtol=1e-6)
    np.testing.assert_array_equal(weights[:, 1], 0)


@pytest.mark.parametrize("seed", [-1, 0.5, "0"])
def test_seed_must_be_a_whole_number(seed):
    with pytest.raises(ValueError, match="`seed`.*Received"):
        balancing.RLW(seed=seed)
