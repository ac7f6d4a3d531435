"""Stages train the layers that they name, at the rates that they name."""

import functools

import keras
import numpy as np
import pytest
from keras import layers

from mtl_keras import MultiTaskModel, Task, transfer
from mtl_keras.transfer import Stage
from tests import test_case as case


def deep_model(tasks=("a",), **kwargs):
    keras.utils.set_random_seed(0)
    x = keras.Input((4,), name="x")
    inner = keras.Input((4,))
    h = layers.Dense(3, "tanh", name="first")(inner)
    h = layers.Dense(3, "tanh", name="second")(h)
    h = keras.Model(inner, h, name="trunk", **kwargs)(x)
    outputs = {}
    for name in tasks:
        hidden = layers.Dense(2, "tanh", name=f"{name}_hidden")(h)
        outputs[name] = layers.Dense(1, "sigmoid", name=name)(hidden)
    return MultiTaskModel(
        x, outputs, tasks=[Task(n, "presence") for n in tasks]
    )


def batch(tasks=("a",)):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 4)).astype("float32")
    return x, {name: rng.integers(0, 2, 8) for name in tasks}


def trained(model):
    return {v.path.split("/")[-2] for v in model.trainable_variables}


@pytest.mark.parametrize("tasks", [("a",), ("a", "b")])
def test_unfreezes_from_the_heads_down(tasks):
    model = deep_model(tasks)
    heads = {f"{t}{part}" for t in tasks for part in ("", "_hidden")}
    assert transfer.unfreeze(model, 0) == []
    assert trained(model) == heads
    assert transfer.unfreeze(model, 1) == ["second"]
    assert trained(model) == heads | {"second"}
    # Whatever was frozen before.
    model.trainable = False
    assert transfer.unfreeze(model) == ["first", "second"]
    assert trained(model) == heads | {"first", "second"}


@pytest.mark.slow
def test_each_stage_has_its_layers_and_rates():
    model = deep_model()
    snapshots = {}

    class Snapshots(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            snapshots[epoch] = (
                case.weights_of(self.model),
                {v.path: case.to_numpy(v.value) for v in self.model.variables},
            )

    histories = transfer.fine_tune(
        model,
        *batch(),
        stages=[
            Stage(1, layers=0, learning_rate=1.0),
            Stage(1, layers=1, learning_rate=1.0, trunk_learning_rate=0.5),
            Stage(2, learning_rate=0.25),
        ],
        optimizer=functools.partial(keras.optimizers.Adam, epsilon=0.0),
        compile_arguments={"metrics": [], "jit_compile": case.JIT_COMPILE[0]},
        callbacks=[Snapshots()],
        verbose=0,
    )
    assert [history.epoch for history in histories] == [[0], [1], [2, 3]]
    steps = {}
    for epoch in (0, 1):
        before, after = snapshots[epoch][1], snapshots[epoch + 1][1]
        steps[epoch] = {
            path.split("/")[-2]: np.abs(after[path] - before[path])
            for path in before
            if path.endswith("bias")
        }
    # The first step of Adam is the learning rate, whatever the gradient.
    for epoch, rates in enumerate(
        (
            {"first": 0, "second": 0, "a_hidden": 1, "a": 1},
            {"first": 0, "second": 0.5, "a_hidden": 1, "a": 1},
        )
    ):
        for name, rate in rates.items():
            np.testing.assert_allclose(
                steps[epoch][name], rate, rtol=1e-3, err_msg=name
            )
    assert trained(model) == {"first", "second", "a_hidden", "a"}


def test_keeps_what_the_model_was_compiled_with():
    model = deep_model()
    model.compile("sgd", metrics={"a": ["mse"]}, run_eagerly=True)
    (history,) = transfer.fine_tune(
        model, *batch(), stages=[Stage(1, layers=0)], verbose=0
    )
    assert "a_mse" in history.history
    assert model.run_eagerly


def test_base_of_lora_stays_frozen():
    model = deep_model()
    second = model.get_layer("trunk").get_layer("second")
    second.enable_lora(2)
    transfer.unfreeze(model, 0)
    transfer.unfreeze(model, 1)
    of_trunk = {v.path.split("/")[-1] for v in second.trainable_variables}
    assert of_trunk == {"bias", "lora_kernel_a", "lora_kernel_b"}


def test_missing_data_is_explained():
    with pytest.raises(ValueError, match="expects the data as `fit` does"):
        transfer.fine_tune(deep_model(), stages=[Stage(1)])


def shares_nothing():
    x = keras.Input((4,))
    return MultiTaskModel(x, {n: layers.Dense(1, name=n)(x) for n in "ab"})


@pytest.mark.parametrize(
    "make, options, message",
    [
        (deep_model, {"stages": []}, "sequence of mtl_keras.transfer.Stage"),
        (deep_model, {"stages": [{"epochs": 1}]}, "at least one"),
        (deep_model, {"stages": [Stage(1, layers=3)]}, "from 0 to 2"),
        (deep_model, {"stages": [Stage(1)], "epochs": 3}, "its own epochs"),
        (deep_model, {"stages": [Stage(1)], "optimizer": "adm"}, "'adam'"),
        (
            deep_model,
            {"stages": [Stage(1)], "optimizer": keras.optimizers.Adam()},
            "function of `learning_rate`",
        ),
        (shares_nothing, {"stages": [Stage(1)]}, "has no trunk"),
    ],
)
def test_wrong_input_is_explained(make, options, message):
    with pytest.raises(ValueError, match=message):
        transfer.fine_tune(make(), *batch(), **options)


@pytest.mark.parametrize(
    "arguments",
    [
        {"epochs": 0},
        {"epochs": 1, "layers": -1},
        {"epochs": 1, "learning_rate": 0},
        {"epochs": 1, "trunk_learning_rate": float("nan")},
    ],
)
def test_impossible_stages_are_refused(arguments):
    with pytest.raises(ValueError, match="must be"):
        Stage(**arguments)
