"""PCGrad: against a plain loop over the rows themselves."""

import itertools

import numpy as np
import pytest

from mtl_keras import balancing
from mtl_keras.balancing.solvers.orders import orders
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy


def by_loop(rows, met):
    """The paper's algorithm 1, in float64, in the given orders."""
    rows = rows.astype("float64")
    changed = rows.copy()
    for time, i in itertools.product(range(len(rows)), repeat=2):
        for j in np.flatnonzero(met[time, i]):
            product = changed[i] @ rows[j]
            if product < 0:
                changed[i] -= product / (rows[j] @ rows[j]) * rows[j]
    return changed.sum(axis=0)


@pytest.mark.parametrize("num_rows", [2, 3, 8, 20])
@pytest.mark.parametrize(
    "family", ["3 dimensions", "conflicting", "lengths of all kinds"]
)
def test_direction_is_that_of_a_loop(num_rows, family):
    rows = families(num_rows)[family]
    present = np.ones(num_rows, "float32")
    balancer = balancing.PCGrad(seed=5)
    for step in range(2):
        met = to_numpy(orders(5, np.int32(step), present))
        expected = by_loop(rows, met)
        received = to_numpy(balancer.combine(rows))
        error = np.linalg.norm(received - expected)
        assert error <= 1e-4 * np.linalg.norm(expected)
        balancer.update(rows @ rows.T)


@pytest.mark.parametrize("family", ["conflicting", "1000 dimensions"])
def test_of_two_rows_it_is_twice_upgrad(family):
    for seed in range(5):
        rows = families(2, seed)[family]
        np.testing.assert_allclose(
            to_numpy(balancing.PCGrad().combine(rows)),
            2 * to_numpy(balancing.UPGrad().combine(rows)),
            rtol=1e-4,
            atol=1e-5,
        )


def test_orders_are_permutations_that_change():
    present = np.ones(6, "float32")
    seen = set()
    for step in range(20):
        met = to_numpy(orders(0, np.int32(step), present))
        # Each meets each of the others once.
        np.testing.assert_array_equal(met.sum(axis=0), 1 - np.eye(6))
        assert met.sum(axis=2).max() == 1
        seen.add(met.tobytes())
    assert len(seen) == 20


def test_all_orders_of_three_are_about_as_frequent():
    met = [
        to_numpy(orders(1, np.int32(step), np.ones(3, "float32")))
        for step in range(300)
    ]
    # Whom the first task meets before the other.
    first = [
        np.argmax(each[:, 0].sum(axis=1)[:, None] * each[:, 0], axis=1)
        for each in met
    ]
    first = [[j for j in row if j > 0][0] for row in first]
    # Half of 300, within four standard deviations.
    assert 115 < np.sum(np.array(first) == 1) < 185


def test_seed_is_a_whole_number():
    with pytest.raises(ValueError, match="seed"):
        balancing.PCGrad(seed=0.5)
