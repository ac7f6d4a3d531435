"""STCH: the derivative of the smooth maximum, and how the nadir is measured."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.test_case import to_numpy

NADIR = np.array([2.0, 0.5, 1.0])
LOSSES = np.array([1.0, 0.4, 1.1])


def measured(nadir=NADIR, **kwargs):
    balancer = balancing.STCH(warmup_epochs=0, **kwargs)
    balancer.bind([f"task_{k}" for k in range(len(nadir))])
    balancer.update(losses=0.5 * nadir)
    balancer.update(losses=1.5 * nadir)
    balancer.on_epoch_end()
    return balancer


def objective(losses, mu, preference):
    levels = np.log(preference * losses / NADIR)
    return mu * np.log(np.sum(np.exp(levels / mu)))


@pytest.mark.parametrize("mu", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("preference", [None, {"task_1": 3.0}])
def test_weights_are_the_derivative_of_the_objective(mu, preference):
    p = np.array([1.0, 3.0 if preference else 1.0, 1.0])
    # Central differences in float64.
    expected = [
        (objective(LOSSES + n, mu, p) - objective(LOSSES - n, mu, p)) / 2e-6
        for n in 1e-6 * np.eye(3)
    ]
    balancer = measured(mu=mu, preference=preference)
    weights = to_numpy(balancer.weights(losses=LOSSES))
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-9)


def test_small_mu_follows_the_task_that_is_worst_off():
    # 1.1 / 1 is the greatest of the losses over their nadirs.
    weights = to_numpy(measured(mu=1e-3).weights(losses=LOSSES))
    np.testing.assert_allclose(weights, [0, 0, 1 / 1.1], rtol=1e-5, atol=1e-6)


def test_preference_raises_the_weight_below_the_nadir():
    plain = to_numpy(measured().weights(losses=0.1 * NADIR))
    asked = measured(preference={"task_0": 4.0}).weights(losses=0.1 * NADIR)
    assert to_numpy(asked)[0] > plain[0]
    assert (to_numpy(asked)[1:] < plain[1:]).all()


def test_nadir_is_the_mean_of_the_epoch_after_the_warm_up():
    balancer = balancing.STCH(warmup_epochs=2)
    for epoch, factor in enumerate([9.0, 7.0, 1.0]):
        balancer.update(losses=factor * NADIR)
        weights = to_numpy(balancer.weights(losses=LOSSES))
        np.testing.assert_allclose(weights, 1 / (3 * LOSSES), rtol=1e-5)
        assert int(to_numpy(balancer.state(3)["epoch"])) == epoch
        balancer.on_epoch_end()
    nadir = to_numpy(balancer.state(3)["nadir"])
    np.testing.assert_allclose(nadir, NADIR, rtol=1e-6)
    # Later epochs leave it.
    balancer.update(losses=5 * NADIR)
    balancer.on_epoch_end()
    np.testing.assert_array_equal(to_numpy(balancer.state(3)["nadir"]), nadir)


def test_task_that_comes_late_has_its_own_measurement():
    balancer = balancing.STCH(warmup_epochs=0)
    balancer.update(losses=[2.0, 9.0], present=[1, 0])
    balancer.on_epoch_end()
    # Level 1 / 2 against a task taken to stand at its nadir, level 1.
    weights = to_numpy(balancer.weights(losses=[1.0, 4.0]))
    np.testing.assert_allclose(weights, [1 / 3, 2 / 3 / 4], rtol=1e-5)
    balancer.update(losses=[1.0, 4.0])
    balancer.on_epoch_end()
    nadir = to_numpy(balancer.state(2)["nadir"])
    np.testing.assert_allclose(nadir, [2.0, 4.0], rtol=1e-6)


def test_loss_of_zero_takes_no_part():
    weights = to_numpy(measured().weights(losses=[1.0, 0.0, 1.0]))
    np.testing.assert_allclose(weights, [1 / 3, 0, 2 / 3], rtol=1e-5)


def test_warm_up_must_be_whole_epochs():
    with pytest.raises(
        ValueError, match="`warmup_epochs` must be an integer.*Received"
    ):
        balancing.STCH(warmup_epochs=1.5)


def test_preference_must_name_a_task():
    balancer = balancing.STCH(preference={"bbox": 2.0})
    with pytest.raises(ValueError, match="'bbox'.*Did you mean 'box'"):
        balancer.bind(("box", "cls"))
