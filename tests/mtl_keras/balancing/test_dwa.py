"""DWA: ratios of the means of epochs, worked by hand."""

import numpy as np
import pytest
import scipy.special

from mtl_keras import balancing
from tests.test_case import to_numpy

NAN = float("nan")


def after(epochs, balancer=None, **kwargs):
    """A balancer that saw these epochs, each a list of losses by step."""
    balancer = balancer or balancing.DWA(**kwargs)
    for steps in epochs:
        for losses in steps:
            present = np.isfinite(losses)
            balancer.update(losses=losses, present=present)
        balancer.on_epoch_end()
    return balancer


def weights_of(balancer):
    return to_numpy(balancer.weights(losses=[1.0, 1.0]))


@pytest.mark.parametrize("epochs", [0, 1])
def test_first_two_epochs_are_equal(epochs):
    balancer = after([[[3.0, 1.0]]] * epochs)
    np.testing.assert_allclose(weights_of(balancer), 1.0, rtol=1e-6)


@pytest.mark.parametrize("temperature", [2.0, 0.7])
def test_weights_by_hand(temperature):
    # Means 4, 1 and then 2, 0.9.
    epochs = [[[3.0, 1.0], [5.0, 1.0]], [[2.0, 0.8], [2.0, 1.0]]]
    balancer = after(epochs, temperature=temperature)
    expected = 2 * scipy.special.softmax(np.array([0.5, 0.9]) / temperature)
    np.testing.assert_allclose(weights_of(balancer), expected, rtol=1e-5)


def test_weights_stay_within_an_epoch():
    balancer = after([[[4.0, 1.0]], [[2.0, 0.9]]])
    before = weights_of(balancer)
    balancer.update(losses=[100.0, 1e-3])
    np.testing.assert_array_equal(weights_of(balancer), before)


def test_absent_task_does_not_count_for_its_mean():
    # The second task's mean is 1, then 0.9; its epoch without labels leaves
    # both means, and its ratio, as they are.
    epochs = [[[4.0, NAN], [4.0, 1.0]], [[2.0, 0.9]], [[1.0, NAN]]]
    expected = 2 * scipy.special.softmax(np.array([0.5, 0.9]) / 2)
    np.testing.assert_allclose(weights_of(after(epochs)), expected, rtol=1e-5)


def test_means_of_large_losses_stay_finite():
    balancer = after([[[3e38, 1.0]] * 3, [[3e38, 1e-38]] * 3, [[1.0, 1e38]]])
    weights = weights_of(balancer)
    np.testing.assert_allclose(weights, [0.0, 2.0], atol=1e-6)


def test_state_waits_for_the_first_step():
    balancer = balancing.DWA()
    balancer.on_epoch_end()
    np.testing.assert_allclose(weights_of(balancer), 1.0, rtol=1e-6)
