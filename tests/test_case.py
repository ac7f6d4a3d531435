"""What several tests need: small models, data with missing labels, figures."""

import keras
import numpy as np

from mtl_keras import MultiTaskModel, Task

TASKS = (
    Task("cls", "classification", num_classes=3),
    Task("det", "presence"),
    Task("box", "box"),
)

# A step with and without XLA. On JAX `jit_compile=False` runs one operation at
# a time, which takes longer than all else; test_habits.py has a case of it.
JIT_COMPILE = (
    [False, True] if keras.backend.backend() == "tensorflow" else [True]
)


def vector_model(seed=0, *, units=8, hidden=16, tasks=TASKS, **kwargs):
    """A shared dense trunk with a linear head for each task of `TASKS`."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((units,), name="x")
    trunk = keras.layers.Dense(hidden, "tanh", name="trunk")(inputs)
    dense = keras.layers.Dense
    outputs = {
        "cls": dense(3, "softmax", name="cls")(trunk),
        "det": dense(1, "sigmoid", name="det")(trunk),
        "box": dense(4, "sigmoid", name="box")(trunk),
    }
    return MultiTaskModel(inputs, outputs, tasks=tasks, **kwargs)


def vector_data(num_examples=70, *, units=8, missing=0.2, seed=0):
    """Inputs and labels of `TASKS`, a share of each missing at random."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num_examples, units)).astype("float32")
    corners = np.sort(rng.uniform(size=(num_examples, 2, 2)), axis=1)
    labels = {
        "cls": rng.integers(0, 3, num_examples).astype("int32"),
        "det": rng.integers(0, 2, num_examples).astype("int32"),
        "box": corners.reshape(num_examples, 4).astype("float32"),
    }
    gone = {name: rng.uniform(size=num_examples) < missing for name in labels}
    labels["cls"][gone["cls"]] = -1
    labels["det"][gone["det"]] = -1
    labels["box"][gone["box"]] = np.nan
    return x, labels


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def weights_of(model):
    """The trainable weights by path, without the model's name."""
    return {v.path: to_numpy(v.value) for v in model.trainable_variables}


def assert_close(received, expected, rtol=1e-5, atol=0.0):
    np.testing.assert_allclose(
        to_numpy(received), to_numpy(expected), rtol=rtol, atol=atol
    )
