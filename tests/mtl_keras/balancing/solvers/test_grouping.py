"""Exact k-means on a line, against all ways to cut the sorted numbers."""

import itertools

import numpy as np
import pytest

from mtl_keras.balancing.solvers.grouping import group_means
from tests.test_case import to_numpy


def cost_of(values, means):
    return np.sum((np.asarray(values) - np.asarray(means)) ** 2)


def least_cost(values, num_groups):
    line, costs = np.sort(values), []
    for cuts in itertools.combinations(range(1, len(line)), num_groups - 1):
        runs = np.split(line, cuts)
        costs.append(sum(cost_of(run, run.mean()) for run in runs))
    return min(costs)


@pytest.mark.parametrize("num_groups", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_groups_are_the_best(num_groups, seed):
    values = np.random.default_rng(seed).lognormal(size=8)
    means = to_numpy(
        group_means(values.astype("float32"), np.ones(8, bool), num_groups)
    )
    assert len(set(means)) == num_groups
    np.testing.assert_allclose(
        cost_of(values, means), least_cost(values, num_groups), rtol=1e-5
    )


def test_missing_numbers_are_in_no_group():
    values = np.array([5.0, 1.0, 9.0, 1.2, 5.2], "float32")
    mask = np.array([True, True, False, True, True])
    means = to_numpy(group_means(values, mask, 2))
    np.testing.assert_allclose(means, [5.1, 1.1, 0.0, 1.1, 5.1], rtol=1e-6)


def test_duplicates_and_zeros():
    values = np.zeros(6, "float32")
    np.testing.assert_array_equal(
        to_numpy(group_means(values, np.ones(6, bool), 2)), 0
    )
    np.testing.assert_allclose(
        to_numpy(group_means(values + 7, np.ones(6, bool), 3)), 7, rtol=1e-6
    )


def test_sixty_four_numbers_of_all_sizes():
    values = np.repeat([1e-12, 1.0, 1e12, 1e30], 16).astype("float32")
    means = to_numpy(group_means(values, np.ones(64, bool), 2))
    np.testing.assert_allclose(means[48:], 1e30, rtol=1e-5)
    np.testing.assert_allclose(means[:48], values[:48].mean(), rtol=1e-5)
