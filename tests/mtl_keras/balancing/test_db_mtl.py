"""DB-MTL: against the paper's algorithm 1 in NumPy."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.test_case import to_numpy


def batches(num_steps=4, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(num_steps):
        rows = rng.normal(size=(3, 12)) * [[0.1], [1.0], [30.0]]
        yield rows, rng.uniform(0.3, 3.0, 3)


def step(balancer, rows, losses, present=None):
    present = np.ones(len(rows)) if present is None else np.asarray(present)
    scales = to_numpy(balancer.head_weights(losses, present))
    balancer.update(
        jacobian=scales[:, None] * rows, losses=losses, present=present
    )


@pytest.mark.parametrize("beta, decay", [(0.9, 0.0), (0.5, 0.5), (0.0, 0.0)])
def test_directions_are_those_of_the_algorithm(beta, decay):
    balancer = balancing.DBMTL(beta=beta, beta_decay=decay)
    average = np.zeros((3, 12))
    for t, (rows, losses) in enumerate(batches(), start=1):
        now = beta / t**decay
        average = now * average + (1 - now) * rows / losses[:, None]
        lengths = np.linalg.norm(average, axis=1)
        expected = lengths.max() * (average / lengths[:, None]).sum(axis=0)
        received = to_numpy(balancer.combine(rows, losses))
        np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-4)
        step(balancer, rows, losses)


def test_heads_minimise_the_logarithm():
    weights = balancing.DBMTL().head_weights([2.0, 0.0, 1e-30])
    np.testing.assert_allclose(to_numpy(weights), [0.5, 0.0, 1e30], rtol=1e-6)


def test_task_without_loss_keeps_its_average_and_takes_no_part():
    balancer = balancing.DBMTL()
    rows, losses = next(batches(1))
    step(balancer, rows, losses)
    before = to_numpy(balancer.state(3, 12)["averages"])
    losses[1] = 0.0
    others = [0, 2]
    alone = balancing.DBMTL()
    first_rows, first_losses = next(batches(1))
    step(alone, first_rows[others], first_losses[others])
    np.testing.assert_allclose(
        to_numpy(balancer.combine(rows, losses)),
        to_numpy(alone.combine(rows[others], losses[others])),
        rtol=1e-5,
        atol=1e-5,
    )
    step(balancer, rows, losses)
    after = to_numpy(balancer.state(3, 12)["averages"])
    np.testing.assert_array_equal(after[1], before[1])


def test_zero_row_stays_out():
    rows, losses = next(batches(1))
    rows[0] = 0
    others = [1, 2]
    np.testing.assert_allclose(
        to_numpy(balancing.DBMTL().combine(rows, losses)),
        to_numpy(balancing.DBMTL().combine(rows[others], losses[others])),
        rtol=1e-6,
    )
