"""Six tasks in three planted pairs, and a model that was trained on them."""

import functools

import keras
import numpy as np

import mtl_keras

PAIRS = (("a1", "a2"), ("b1", "b2"), ("c1", "c2"))
NAMES = tuple(name for pair in PAIRS for name in pair)


def data(count=512, seed=0):
    """Each pair reads four inputs of its own, almost in the same way."""
    directions = np.random.default_rng(7)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 12)).astype("float32")
    y = {}
    for k, pair in enumerate(PAIRS):
        own = x[:, 4 * k : 4 * k + 4]
        direction = directions.normal(size=4)
        for name in pair:
            tilted = direction / np.linalg.norm(direction)
            tilted = tilted + 0.1 * directions.normal(size=4)
            label = own @ tilted + 0.05 * rng.normal(size=count)
            y[name] = label.astype("float32")
    return x, y


@functools.cache
def trained():
    """A shared layer, a layer of each task's own and an output; 15 epochs."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12,), name="x")
    shared = keras.layers.Dense(24, "tanh", name="trunk")(inputs)
    outputs = {}
    for name in NAMES:
        own = keras.layers.Dense(4, "tanh", name=f"{name}_own")(shared)
        outputs[name] = keras.layers.Dense(1, name=name)(own)
    model = mtl_keras.MultiTaskModel(
        inputs,
        outputs,
        tasks=[mtl_keras.Task(n, "regression", loss="mse") for n in NAMES],
    )
    model.compile(keras.optimizers.Adam(0.01))
    x, y = data()
    model.fit(x, y, batch_size=64, epochs=15, verbose=0)
    return model
