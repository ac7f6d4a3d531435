"""GO4Align, against a float64 model of the authors' indicators."""

import itertools

import numpy as np
import pytest

from mtl_keras import balancing
from tests.test_case import to_numpy

TRACE = np.exp(np.random.default_rng(0).normal(size=(6, 5)))


def indicators(trace, step_size):
    p = np.full(trace.shape[1], 1 / trace.shape[1])
    for losses in trace:
        p = p * np.exp(-step_size * losses)
        p = p / p.sum()
    return trace[-1].sum() / trace[-1] * p


def grouped(values, num_groups):
    """The best of all ways to cut the sorted values."""
    order, best = np.argsort(values), (np.inf, None)
    for cuts in itertools.combinations(range(1, len(values)), num_groups - 1):
        groups = np.split(order, cuts)
        cost = sum(np.sum((values[g] - values[g].mean()) ** 2) for g in groups)
        best = min(best, (cost, groups), key=lambda pair: pair[0])
    means = np.empty(len(values))
    for group in best[1]:
        means[group] = values[group].mean()
    return means


@pytest.mark.parametrize("num_groups", [1, 2, 3])
@pytest.mark.parametrize("step_size", [1e-4, 0.3])
def test_weights_are_the_authors_with_exact_groups(num_groups, step_size):
    balancer = balancing.GO4Align(num_groups, step_size)
    for losses in TRACE[:-1]:
        balancer.update(losses=losses)
    weights = to_numpy(balancer.weights(losses=TRACE[-1]))
    expected = grouped(indicators(TRACE, step_size), num_groups)
    np.testing.assert_allclose(weights, expected, rtol=1e-4)
    assert len(set(weights.round(4))) == num_groups


@pytest.mark.parametrize("num_groups", [5, 9])
def test_a_group_for_each_task(num_groups):
    weights = balancing.GO4Align(num_groups, 0.0).weights(losses=TRACE[0])
    expected = TRACE[0].mean() / TRACE[0]
    np.testing.assert_allclose(to_numpy(weights), expected, rtol=1e-5)


def test_equal_losses_have_the_weight_one():
    weights = balancing.GO4Align(2).weights(losses=[3.0, 3.0, 3.0])
    np.testing.assert_allclose(to_numpy(weights), 1.0, rtol=1e-6)


def test_absent_task_keeps_its_share():
    balancer = balancing.GO4Align(2, step_size=0.5)
    balancer.update(losses=[1.0, 2.0, 3.0])
    before = to_numpy(balancer.state(3)["log_p"])
    balancer.update(losses=[1.0, 2.0, 3.0], present=[1, 0, 1])
    after = to_numpy(balancer.state(3)["log_p"])
    assert after[1] == before[1] and after[0] > before[0]
    np.testing.assert_allclose(np.exp(after).sum(), 1.0, rtol=1e-6)


def test_shares_stay_finite_in_a_long_training():
    balancer = balancing.GO4Align(2, step_size=100.0)
    for _ in range(5):
        balancer.update(losses=[1e-3, 1.0, 1e6])
    weights = to_numpy(balancer.weights(losses=[1e-3, 1.0, 1e6]))
    assert np.isfinite(weights).all() and weights[0] > 0


def test_loss_of_zero_takes_no_part():
    weights = to_numpy(balancing.GO4Align(2).weights(losses=[0.0, 1.0, 1.0]))
    np.testing.assert_allclose(weights, [0.0, 1.0, 1.0], rtol=1e-6)


def test_groups_must_be_a_whole_number():
    with pytest.raises(
        ValueError, match="`num_groups` must be an integer.*Received"
    ):
        balancing.GO4Align(num_groups=1.5)
