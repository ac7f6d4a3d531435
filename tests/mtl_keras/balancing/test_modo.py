"""MoDo: against the algorithm in NumPy, and without the bias of noise."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.balancing.test_moco import on_simplex
from tests.mtl_keras.balancing.test_sdmgrad import halves
from tests.test_case import to_numpy


@pytest.mark.parametrize("normalization", [None, "length"])
def test_weights_are_those_of_the_algorithm(normalization):
    settings = {"gamma": 0.2, "rho": 0.1, "normalization": normalization}
    balancer = balancing.MoDo(**settings)
    weights = np.full(3, 1 / 3)
    for seed in range(4):
        rows, products = halves(seed)
        gramian = rows[:3] @ rows[:3].T
        lengths = np.sqrt(np.diag(products))
        unit = np.sum(lengths[:3] * lengths[3:])
        cross = products[:3, 3:] / (unit if normalization else 1.0)
        weights = on_simplex(weights - 0.2 * (cross @ weights + 0.1 * weights))
        received = balancer.weights(gramian, halves=products)
        np.testing.assert_allclose(to_numpy(received), weights, atol=1e-5)
        balancer.update(gramian, halves=products)


@pytest.mark.slow
def test_noise_of_one_task_does_not_draw_the_weights():
    """Two tasks of one gradient, one noisy: unbiased weights stay equal.

    The length of the noisy row biases a method that reads one batch: it gets
    less weight than the other.
    """
    rng = np.random.default_rng(0)
    double = balancing.MoDo(gamma=0.03)
    single = balancing.MoDo(gamma=0.03)
    signal = np.ones(4)
    for _ in range(300):
        noise = rng.normal(size=(2, 4)) * 3.0
        rows = np.stack([signal, signal + noise[0], signal, signal + noise[1]])
        whole = (rows[:2] + rows[2:]) / 2
        gramian = whole @ whole.T
        double.update(gramian, halves=rows @ rows.T)
        single.update(gramian)
    unbiased = to_numpy(double.state(2)["task_weights"])
    biased = to_numpy(single.state(2)["task_weights"])
    assert abs(unbiased[0] - 0.5) < 0.15
    assert biased[0] > 0.75


def test_absent_task_keeps_its_weight():
    balancer = balancing.MoDo(gamma=0.5)
    for seed in range(2):
        rows, products = halves(seed)
        balancer.update(rows[:3] @ rows[:3].T, halves=products)
    before = to_numpy(balancer.state(3)["task_weights"])
    rows, products = halves(3)
    balancer.update(rows[:3] @ rows[:3].T, present=[1, 0, 1], halves=products)
    after = to_numpy(balancer.state(3)["task_weights"])
    assert after[1] == before[1] and after[0] != before[0]
    np.testing.assert_allclose(after.sum(), 1.0, rtol=1e-6)


@pytest.mark.parametrize("wrong", [{"gamma": -1.0}, {"normalization": "l2"}])
def test_hyperparameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`.*Received"):
        balancing.MoDo(**wrong)
