"""GradVac: against a plain loop over the rows themselves."""

import itertools

import keras
import numpy as np
import pytest

from mtl_keras import balancing
from mtl_keras.balancing.solvers.orders import orders
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy


def by_loop(rows, met, targets, beta):
    """The paper's algorithm 1, in float64, in the given orders."""
    rows = rows.astype("float64")
    changed, moved = rows.copy(), targets.copy()
    for time, i in itertools.product(range(len(rows)), repeat=2):
        for j in np.flatnonzero(met[time, i]):
            lengths = np.linalg.norm(changed[i]), np.linalg.norm(rows[j])
            cosine = changed[i] @ rows[j] / lengths[0] / lengths[1]
            target = targets[i, j]
            if cosine < target:
                sines = np.sqrt(1 - cosine**2), np.sqrt(1 - target**2)
                gain = target * sines[0] - cosine * sines[1]
                gain *= lengths[0] / (lengths[1] * sines[1])
                changed[i] += gain * rows[j]
            moved[i, j] = (1 - beta) * target + beta * cosine
    return changed.sum(axis=0), moved


@pytest.mark.parametrize("num_rows", [2, 3, 8, 20])
@pytest.mark.parametrize("family", ["1000 dimensions", "conflicting"])
def test_steps_are_those_of_a_loop(num_rows, family):
    present = np.ones(num_rows, "float32")
    balancer = balancing.GradVac(beta=0.3, seed=2)
    targets = np.zeros((num_rows, num_rows))
    for step in range(4):
        rows = families(num_rows, seed=step)[family]
        # Something in common, so that the targets rise above zero.
        rows = rows + 0.2 * np.abs(rows).max() * (step % 2)
        met = to_numpy(orders(2, np.int32(step), present))
        expected, targets = by_loop(rows, met, targets, 0.3)
        received = to_numpy(balancer.combine(rows))
        error = np.linalg.norm(received - expected)
        assert error <= 1e-4 * np.linalg.norm(expected)
        balancer.update(rows @ rows.T)
        state = to_numpy(balancer.state(num_rows)["targets"])
        np.testing.assert_allclose(state, targets, atol=1e-5)


def test_hyperparameters_survive_serialization():
    config = keras.saving.serialize_keras_object(
        balancing.GradVac(beta=0.3, seed=2)
    )
    again = keras.saving.deserialize_keras_object(config)
    assert (again.beta, again.seed) == (0.3, 2)


def test_two_rows_reach_their_target():
    rows = np.array([[1.0, 0.0], [0.0, 3.0]], "float32")
    balancer = balancing.GradVac(beta=1.0)
    # Rows at 60 degrees make the target a half.
    alike = np.array([[1.0, 0.0], [0.5, 0.75**0.5]], "float32")
    balancer.update(alike @ alike.T)
    # tan(30 degrees) of each unit row more of the other.
    share = np.tan(np.pi / 6)
    np.testing.assert_allclose(
        to_numpy(balancer.combine(rows)), [1 + 3 * share, 3 + share], rtol=1e-5
    )


def test_starts_as_pcgrad():
    rows = families(6)["conflicting"]
    np.testing.assert_allclose(
        to_numpy(balancing.GradVac(seed=3).combine(rows)),
        to_numpy(balancing.PCGrad(seed=3).combine(rows)),
        rtol=1e-4,
        atol=1e-5,
    )


def test_tasks_that_are_not_there_keep_their_targets():
    rows = families(4)["1000 dimensions"] + 1.0
    balancer = balancing.GradVac(beta=0.5)
    balancer.update(rows @ rows.T, present=[1, 1, 0, 1])
    targets = to_numpy(balancer.state(4)["targets"])
    assert (targets[2] == 0).all() and (targets[:, 2] == 0).all()
    assert (targets[0, [1, 3]] > 0).all()


@pytest.mark.parametrize("beta", [0, 1.5, "0.1"])
def test_beta_has_a_range(beta):
    with pytest.raises(ValueError, match="beta"):
        balancing.GradVac(beta=beta)
