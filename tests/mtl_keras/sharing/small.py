"""Small models and data for the tests of single architectures."""

import keras
import numpy as np
from keras import layers, ops

import mtl_keras
from mtl_keras import sharing as sharings


def dense_stages(*units, activation="tanh"):
    def stage(count):
        return lambda x: layers.Dense(count, activation=activation)(x)

    return [stage(count) for count in units]


def head(features, task):
    if len(features.shape) > 2:
        features = layers.Flatten(name=f"{task.name}_flat")(features)
    return layers.Dense(1, name=task.name)(features)


def build(name, *, tasks=("a", "b"), trunk=None, shape=(8,), **arguments):
    """A model with linear heads, initialised from seed 0."""
    keras.utils.set_random_seed(0)
    return mtl_keras.build(
        keras.Input(shape, name="x"),
        [mtl_keras.Task(task, "regression", loss="mse") for task in tasks],
        trunk=dense_stages(6, 4) if trunk is None else trunk,
        sharing=sharings.get(name, **arguments),
        head=head,
    )


def inputs(num_examples=5, shape=(8,)):
    rng = np.random.default_rng(0)
    return rng.normal(size=(num_examples, *shape)).astype("float32")


def predictions(model, x) -> dict:
    return {k: ops.convert_to_numpy(v) for k, v in model(x).items()}


def num_weights(model) -> int:
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def gate_weights(model, name, x):
    """What the gate layer of a model returns for inputs."""
    layer = model.get_layer(name)
    return ops.convert_to_numpy(keras.Model(model.input, layer.output)(x))


def assert_is_the_plain_trunk(model, x):
    """Checks that both heads read one dense trunk of 8 to 6 to 4 numbers."""
    assert num_weights(model) == 8 * 6 + 6 + 6 * 4 + 4 + 2 * 5
    arrays = {v.path.split("/")[-2]: [] for v in model.weights}
    for v in model.weights:
        arrays[v.path.split("/")[-2]].append(ops.convert_to_numpy(v))
    trunk = [w for name, w in arrays.items() if name not in ("a", "b")]
    features = x
    for kernel, bias in trunk:
        features = np.tanh(features @ kernel + bias)
    for task, output in predictions(model, x).items():
        kernel, bias = arrays[task]
        np.testing.assert_allclose(output, features @ kernel + bias, atol=1e-5)
