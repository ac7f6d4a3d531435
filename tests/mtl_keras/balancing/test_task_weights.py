"""`task_weights` of a gradient balancer: the losses' fixed factors."""

import keras
import numpy as np
import pytest

from mtl_keras import balancing
from mtl_keras.balancing import registry
from tests.mtl_keras.balancing.test_properties import conflicting, losses_of
from tests.mtl_keras.engine.backends import LOSS, network
from tests.test_case import to_numpy

GRADIENTS = [
    name
    for name in balancing.list_balancers()
    if registry.method(name).reads_gradients
]
FACTORS = {"a": 4.0, "b": 1.0, "c": 0.5}


@pytest.mark.parametrize("name", GRADIENTS)
def test_direction_is_that_of_scaled_losses(name):
    factors = np.array(list(FACTORS.values()), "float32")
    jacobian, losses = conflicting(3), losses_of(3)
    plain = balancing.get(name)
    expected = plain.combine(factors[:, None] * jacobian, factors * losses)
    weighted = balancing.get(name, task_weights=FACTORS)
    received = to_numpy(weighted.combine(jacobian, losses))
    np.testing.assert_allclose(received, to_numpy(expected), rtol=1e-5)
    heads = to_numpy(weighted.head_weights(losses))
    own = to_numpy(plain.head_weights(factors * losses))
    np.testing.assert_allclose(heads, factors * own, rtol=1e-5)
    assert balancing.get(name).task_weights is None
    assert weighted.get_config()["task_weights"] == FACTORS


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("name", "on"), [("cagrad", "parameters"), ("mgda", "features")]
)
def test_step_is_that_of_a_model_with_scaled_losses(name, on):
    def scaled(function, factor):
        return lambda y, y_pred: factor * function(y, y_pred)

    rng = np.random.default_rng(0)
    labels = {
        name: rng.normal(size=(32, size)).astype("float32")
        for name, size in (("cls", 3), ("det", 1), ("box", 4))
    }
    ends = []
    for is_scaled in (False, True):
        model, x, _ = network("plain")
        loss = dict.fromkeys(model.tasks, keras.losses.mean_squared_error)
        options = {"task_weights": {"cls": 3.0, "box": 0.5}}
        if is_scaled:
            loss["cls"] = scaled(loss["cls"], 3.0)
            loss["box"] = scaled(loss["box"], 0.5)
            options = {}
        model.compile(
            keras.optimizers.SGD(0.05),
            loss=loss,
            loss_weights=balancing.get(name, on=on, **options),
        )
        model.fit(
            x[:32],
            labels,
            batch_size=16,
            shuffle=False,
            verbose=0,
        )
        ends.append(model.get_weights())
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_model_without_a_trunk_to_balance_weighs_its_heads():
    from tests.mtl_keras.balancing.test_changed_weights import (
        X,
        Y,
        compiled,
        descended,
    )

    with pytest.warns(UserWarning, match="nothing to balance"):
        model = compiled(balancing.CAGrad(task_weights={"a": 0.25}))
    model.train_on_batch(X, Y)
    for name, weight in (("a", 0.25), ("b", 1.0)):
        np.testing.assert_allclose(
            model.get_layer(name).get_weights()[0],
            descended(name, [weight]),
            rtol=1e-5,
        )


def test_wrong_weights():
    for wrong in ({}, {"a": 0.0}, {"a": -1.0}, 2.0):
        with pytest.raises(ValueError, match="task_weights.*Received"):
            balancing.CAGrad(task_weights=wrong)
    model, _, _ = network("plain")
    with pytest.raises(ValueError, match="`task_weights` names.*mean 'box'"):
        model.compile("sgd", LOSS, balancing.CAGrad(task_weights={"bok": 1.0}))
