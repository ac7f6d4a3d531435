"""A config of ours holds every argument of a loss or metric of Keras."""

import inspect

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, Task, compat

P = np.random.default_rng(0).uniform(0.1, 1.0, (5, 3, 4)).astype("float32")
Y = np.random.default_rng(1).uniform(0.1, 1.0, (5, 3, 4)).astype("float32")


def changed(cls):
    """An object whose numbers and flags are not the default ones."""
    arguments = {}
    for name, parameter in inspect.signature(cls.__init__).parameters.items():
        if name == "axis":
            arguments[name] = 1
        elif isinstance(parameter.default, bool):
            arguments[name] = not parameter.default
        elif isinstance(parameter.default, float):
            arguments[name] = 0.7 * parameter.default + 0.01
    return cls(**arguments), arguments


def classes(module):
    """The classes of Keras that can be made without an argument."""
    return [
        cls
        for name, cls in sorted(vars(module).items())
        if inspect.isclass(cls)
        and name not in ("Loss", "Metric")
        and all(
            parameter.default is not parameter.empty
            for parameter in inspect.signature(cls).parameters.values()
        )
    ]


@pytest.mark.parametrize(
    "cls", [*classes(keras.losses), *classes(keras.metrics)], ids=str
)
def test_every_argument_of_keras_is_in_the_config(cls):
    source, arguments = changed(cls)
    loaded = keras.saving.deserialize_keras_object(compat.serialized(source))
    config = compat.config_of(loaded)
    assert {name: config[name] for name in arguments} == arguments
    assert config == compat.config_of(source)


@pytest.mark.parametrize(
    "loss",
    [keras.losses.Huber(0.2), keras.losses.CosineSimilarity(axis=1)],
    ids=["Huber", "CosineSimilarity"],
)
def test_loaded_loss_computes_the_same(loss):
    data = compat.serialized({"t": [loss]})
    (loaded,) = keras.saving.deserialize_keras_object(data)["t"]
    np.testing.assert_allclose(loaded(Y, P), loss(Y, P), rtol=1e-6)


def test_subclass_keeps_the_config_of_its_author():
    class Doubled(keras.losses.Huber):
        def __init__(self, delta=0.5, **options):
            super().__init__(delta=2 * delta, **options)

    assert "delta" not in compat.config_of(Doubled())


@pytest.mark.parametrize("is_declared", [False, True])
def test_reloaded_model_has_the_losses_it_was_compiled_with(
    is_declared, tmp_path
):
    inputs = keras.Input((4,))
    trunk = keras.layers.Dense(3)(inputs)
    outputs = {n: keras.layers.Dense(1)(trunk) for n in ("near", "far")}
    loss = keras.losses.Huber(0.3)
    tasks = [Task("near", loss=loss)] if is_declared else None
    model = MultiTaskModel(inputs, outputs, tasks=tasks)
    losses = {"far": "mse"} if is_declared else {"far": "mse", "near": loss}
    model.compile("sgd", loss=losses)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x, y = P[:, 0], {n: 5 * Y[:, 0, 0] for n in outputs}
    error = np.abs(model.predict(x, verbose=0)["near"][:, 0] - y["near"])
    expected = np.where(error < 0.3, error**2 / 2, 0.3 * (error - 0.15))
    logs = loaded.evaluate(x, y, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["near_loss"], expected.mean(), rtol=1e-5)
