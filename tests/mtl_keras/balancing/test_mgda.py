"""MGDA: its direction by hand, and the authors' normalisations."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy

ROWS = families(4)["conflicting"]
LOSSES = np.array([0.5, 3.0, 1.0, 20.0], "float32")


def weights_of(rows, **kwargs):
    return to_numpy(balancing.MGDA(**kwargs).weights(rows @ rows.T, LOSSES))


def test_direction_gains_the_same_for_each_task_it_weighs():
    # The condition of the least norm: equal products where a weight is
    # positive, and at least as large elsewhere.
    direction = to_numpy(balancing.MGDA().combine(ROWS))
    products = ROWS @ direction
    weights = weights_of(ROWS)
    least = direction @ direction
    np.testing.assert_allclose(products[weights > 1e-4], least, rtol=1e-4)
    assert products.min() >= (1 - 1e-4) * least


def test_two_rows_by_hand():
    # (1, 0) and (0, 2): weights 4 / 5 and 1 / 5.
    direction = balancing.MGDA().combine(np.diag([1.0, 2.0]))
    np.testing.assert_allclose(to_numpy(direction), [0.8, 0.4], rtol=1e-5)


def test_zero_row_makes_the_direction_zero():
    rows = ROWS.copy()
    rows[2] = 0
    np.testing.assert_array_equal(to_numpy(balancing.MGDA().combine(rows)), 0)


@pytest.mark.parametrize("normalization", ["l2", "loss", "loss+"])
def test_weights_are_those_of_the_normalized_rows(normalization):
    lengths = np.linalg.norm(ROWS, axis=1)
    divisor = {"l2": lengths, "loss": LOSSES, "loss+": LOSSES * lengths}
    expected = weights_of(ROWS / divisor[normalization][:, None])
    received = weights_of(ROWS, normalization=normalization)
    np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-5)


def test_normalized_weights_weigh_the_rows_as_they_were():
    balancer = balancing.MGDA(normalization="l2")
    # Orthogonal rows at length one: halves.
    direction = balancer.combine(np.diag([1.0, 2.0]))
    np.testing.assert_allclose(to_numpy(direction), [0.5, 1.0], rtol=1e-5)


def test_task_without_loss_takes_no_part_where_it_would_divide():
    balancer = balancing.MGDA(normalization="loss")
    weights = balancer.weights(np.eye(3), [1.0, 0.0, 1.0])
    np.testing.assert_allclose(
        to_numpy(weights), [0.5, 0.0, 0.5], rtol=1e-5, atol=1e-6
    )


def test_losses_are_needed_where_they_divide():
    assert not balancing.MGDA().needs_losses
    with pytest.raises(ValueError, match="losses=None"):
        balancing.MGDA(normalization="loss+").weights(np.eye(2))


def test_unknown_normalization():
    with pytest.raises(ValueError, match="'l2', 'loss' or 'loss.'.*Received"):
        balancing.MGDA(normalization="norm")
