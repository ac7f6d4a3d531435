"""IMTL: IMTL-L's scales and IMTL-G's direction together."""

import numpy as np

from mtl_keras import balancing
from tests.mtl_keras.balancing.rows import families
from tests.test_case import to_numpy

LOSSES = np.array([0.2, 1.0, 5.0], "float32")
ROWS = families(3)["conflicting"]


def trained(steps):
    balancer = balancing.IMTL(0.1)
    for _ in range(steps):
        balancer.update(ROWS @ ROWS.T, LOSSES)
    return balancer


def test_before_any_step_it_is_imtl_g():
    np.testing.assert_allclose(
        to_numpy(balancing.IMTL().combine(ROWS, LOSSES)),
        to_numpy(balancing.IMTLG().combine(ROWS)),
        rtol=1e-6,
    )


def test_heads_are_scaled_as_by_imtl_l():
    alone = balancing.IMTLL(0.1)
    for _ in range(20):
        alone.update(losses=LOSSES)
    np.testing.assert_array_equal(
        to_numpy(trained(20).head_weights(losses=LOSSES)),
        to_numpy(alone.weights(losses=LOSSES)),
    )


def test_scaled_losses_converge_to_one():
    scales = to_numpy(trained(300).head_weights(losses=LOSSES))
    np.testing.assert_allclose(scales * LOSSES, 1.0, rtol=1e-3)


def test_direction_is_imtl_g_of_the_scaled_rows():
    balancer = trained(20)
    scales = to_numpy(balancer.head_weights(losses=LOSSES))
    assert np.ptp(scales) > 1
    expected = balancing.IMTLG().combine(scales[:, None] * ROWS)
    np.testing.assert_allclose(
        to_numpy(balancer.combine(ROWS, LOSSES)),
        to_numpy(expected),
        rtol=1e-5,
        atol=1e-7,
    )
