"""IMTL-L: where its scales converge to, and its likeness to uncertainty."""

import numpy as np

from mtl_keras import balancing
from tests.test_case import to_numpy

LOSSES = np.array([0.2, 1.0, 5.0], "float32")


def test_first_weights_are_one():
    weights = balancing.IMTLL().weights(losses=LOSSES)
    np.testing.assert_array_equal(to_numpy(weights), 1.0)


def test_scaled_losses_converge_to_one():
    # d/ds of e^s L - s vanishes at s = -log L.
    balancer = balancing.IMTLL(0.1)
    for _ in range(300):
        balancer.update(losses=LOSSES)
    weights = to_numpy(balancer.weights(losses=LOSSES))
    np.testing.assert_allclose(weights * LOSSES, 1.0, rtol=1e-3)


def test_coincides_with_uncertainty_up_to_a_factor():
    # With s the other way round, the gradients differ by the factor -2, which
    # Adam does not see.
    impartial, uncertain = balancing.IMTLL(), balancing.Uncertainty()
    rng = np.random.default_rng(0)
    for _ in range(50):
        losses = LOSSES * rng.uniform(0.5, 2.0, 3).astype("float32")
        for balancer in (impartial, uncertain):
            balancer.update(losses=losses)
        np.testing.assert_allclose(
            to_numpy(impartial.weights(losses=losses)),
            2 * to_numpy(uncertain.weights(losses=losses)),
            rtol=1e-4,
        )


def test_loss_of_zero_leaves_its_scale():
    balancer = balancing.IMTLL()
    for _ in range(3):
        balancer.update(losses=[0.0, 3.0])
    s = to_numpy(balancer.state(2)["s"])
    assert s[0] == 0 and s[1] < 0
