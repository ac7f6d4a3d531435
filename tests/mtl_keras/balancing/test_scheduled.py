"""Weights by schedule: the training they give, and resuming it."""

import json

import keras
import numpy as np
import pytest
from keras.optimizers import schedules

from mtl_keras import balancing
from mtl_keras.balancing import Scheduled
from tests.mtl_keras.balancing.test_changed_weights import (
    X,
    Y,
    compiled,
    descended,
)
from tests.test_case import to_numpy


def fading():
    return schedules.PolynomialDecay(1.0, 4, end_learning_rate=0.0)


@pytest.mark.parametrize("options", [{}, {"jit_compile": True}])
def test_schedule_by_step_weighs_each_step(options):
    model = compiled({"a": fading(), "b": 2.0}, **options)
    assert type(model.balancer) is Scheduled
    model.fit(X, Y, batch_size=8, epochs=5, verbose=0)
    for name, weights in (("a", [1, 0.75, 0.5, 0.25, 0]), ("b", [2.0] * 5)):
        np.testing.assert_allclose(
            model.get_layer(name).get_weights()[0],
            descended(name, weights),
            rtol=1e-4,
        )


def test_schedule_by_epoch_counts_epochs_and_logs_the_weighted_loss():
    late = schedules.PiecewiseConstantDecay([0, 1], [0.0, 3.0, 0.5])
    model = compiled(Scheduled({"a": late}, by="epoch", monitor=True))
    history = model.fit(X, Y, batch_size=4, shuffle=False, epochs=3, verbose=0)
    logs = {key: np.array(values) for key, values in history.history.items()}
    np.testing.assert_allclose(logs["a_weight"], [0.0, 3.0, 0.5])
    expected = logs["a_weight"] * logs["a_loss"] + logs["b_loss"]
    np.testing.assert_allclose(logs["loss"], expected, rtol=1e-5)


@pytest.mark.parametrize("by", ["step", "epoch"])
def test_reloaded_model_resumes_the_schedule(by, tmp_path):
    model = compiled(Scheduled({"a": fading()}, by=by))
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    assert restored.balancer.get_config() == model.balancer.get_config()
    weights = to_numpy(restored.balancer.weights(losses=[1.0, 1.0]))
    np.testing.assert_allclose(weights, [0.5, 1.0])
    restored.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    np.testing.assert_allclose(
        restored.get_layer("a").get_weights()[0],
        descended("a", [1, 0.75, 0.5, 0.25]),
        rtol=1e-4,
    )


def test_dict_of_schedules_survives_the_compile_config(tmp_path):
    model = compiled({"a": fading()})
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    assert restored.balancer.get_config() == model.balancer.get_config()


@pytest.mark.parametrize("plan", [2.0, fading(), {"a": fading(), "b": 3.0}])
def test_config_is_data(plan):
    balancer = Scheduled(plan, by="epoch")
    config = json.loads(
        json.dumps(keras.saving.serialize_keras_object(balancer))
    )
    restored = keras.saving.deserialize_keras_object(config)
    assert restored.get_config() == balancer.get_config()
    losses = [1.0, 1.0]
    np.testing.assert_array_equal(
        to_numpy(restored.weights(losses=losses)),
        to_numpy(balancer.weights(losses=losses)),
    )


def test_recipe_describes_a_schedule_as_data():
    late = {
        "class_name": "PiecewiseConstantDecay",
        "config": {"boundaries": [0], "values": [0.0, 3.0]},
    }
    balancer = balancing.get("scheduled", task_weights={"a": late}, by="epoch")
    model = compiled(balancer)
    history = model.fit(X, Y, batch_size=8, epochs=2, verbose=0).history
    expected = np.array([0.0, 3.0]) * history["a_loss"] + history["b_loss"]
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-5)
    for plan in (late, {"a": late}):
        assert type(balancing.get({"a": late})) is Scheduled
        described = Scheduled(plan).get_config()["task_weights"]
        plan = schedules.PiecewiseConstantDecay([0], [0.0, 3.0])
        if "a" in described:
            plan = {"a": plan}
        assert described == Scheduled(plan).get_config()["task_weights"]


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"class_name": "CosineDecy"}, "Did you mean 'CosineDecay'"),
        ({"class_name": "CosineDecay"}, "arguments as `config`"),
        ({"class_name": "LearningRateSchedule", "config": {}}, "one of"),
        ({"class_name": 3, "config": {}}, "one of 'CosineDecay'"),
        ({"boundaries": [1], "values": [0.0, 1.0]}, "has a `class_name`"),
        (
            {"class_name": "CosineDecay", "config": {"steps": 3}},
            "cannot be made: .*'steps'",
        ),
    ],
)
def test_dict_that_describes_no_schedule(described, message):
    with pytest.raises(ValueError, match=message) as error:
        Scheduled({"a": described})
    assert "for 'a'" in str(error.value) or "of 'a'" in str(error.value)


def test_negative_values_of_a_schedule_are_0():
    down = schedules.PolynomialDecay(-1.0, 4, end_learning_rate=-2.0)
    weights = Scheduled({"a": down, "b": 1.0}).weights(losses=[1.0, 1.0])
    np.testing.assert_array_equal(to_numpy(weights), [0.0, 1.0])


def test_wrong_arguments():
    with pytest.raises(ValueError, match="Did you mean 'epoch'"):
        Scheduled(by="epochs")
    with pytest.raises(TypeError, match="LearningRateSchedule.*'a'"):
        balancing.get({"a": lambda step: 1.0})
    with pytest.raises(ValueError, match="loss_weights"):
        Scheduled({"a": -1.0})
    with pytest.raises(ValueError, match="names the task 'c'"):
        compiled({"c": fading()})
