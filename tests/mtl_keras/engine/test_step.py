"""With unit weights, a step that balances gradients is Keras's own step.

Whatever a model holds (masks, penalties, skips, half precision), running the
trunk and the heads apart and mixing the tasks' gradients with weights of 1
must end where static training ends.
"""

import functools
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from mtl_keras import MultiTaskModel, balancing, optimizers
from tests import backend_process

ROOT = pathlib.Path(__file__).parents[3]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6)).astype("float32")
IDS = np.concatenate([RNG.integers(1, 9, (40, 5)), np.zeros((40, 2))], 1)
Y = {name: RNG.normal(size=40).astype("float32") for name in "abc"}
Y["a"][::5] = np.nan


class Unit(balancing.GradientBalancer):
    """Weights of 1."""

    def _weigh(self, step):
        return step.present


def answer(name, features, **kwargs):
    return layers.Dense(1, name=name, **kwargs)(features)


def shared_bottom(**trunk):
    inputs = keras.Input((6,), name="x")
    features = layers.Dense(5, "tanh", name="trunk", **trunk)(inputs)
    return inputs, features


def graph():
    """A skip, a head that reads another, and two frontier tensors."""
    inputs, first = shared_bottom()
    second = layers.Dense(4, "tanh", name="second")(first)
    a = answer("a", layers.Concatenate()([second, inputs, first]))
    b = answer("b", layers.Concatenate()([second, a]))
    return MultiTaskModel(inputs, {"a": a, "b": b, "c": answer("c", first)})


def masked():
    inputs = keras.Input((7,), dtype="int32", name="x")
    words = layers.Embedding(9, 4, mask_zero=True)(inputs)
    words = layers.LSTM(5, return_sequences=True)(words)
    pooled = layers.GlobalAveragePooling1D()(words)
    return MultiTaskModel(
        inputs,
        {"a": answer("a", layers.LSTM(3)(words)), "b": answer("b", pooled)},
    )


def penalised():
    penalty = keras.regularizers.L2(0.1)
    inputs, trunk = shared_bottom(
        activity_regularizer=penalty, kernel_regularizer=penalty
    )
    return MultiTaskModel(
        inputs,
        {
            "a": answer("a", trunk, activity_regularizer=penalty),
            "b": answer("b", trunk, bias_regularizer=penalty),
        },
    )


def normalised():
    inputs, trunk = shared_bottom()
    trunk = layers.BatchNormalization()(trunk)
    return MultiTaskModel(inputs, {n: answer(n, trunk) for n in "ab"})


def partly_frozen():
    model = graph()
    model.get_layer("trunk").trainable = False
    return model


def one_task():
    inputs, trunk = shared_bottom()
    return MultiTaskModel(inputs, {"a": answer("a", trunk)})


def halved():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return graph()
    finally:
        keras.config.set_dtype_policy(before)


def per_part():
    return optimizers.PerPart(
        {"trunk": "adam", "heads": keras.optimizers.SGD(0.1)}
    )


def clipped():
    return keras.optimizers.Adam(
        0.01, gradient_accumulation_steps=2, global_clipnorm=0.1, use_ema=True
    )


# Name: model, inputs, what `compile` is given beside the losses.
CASES = {
    "graph": (graph, X, {}),
    "masks": (masked, IDS, {}),
    "penalties": (penalised, X, {}),
    "norm": (normalised, X, {}),
    "partly_frozen": (partly_frozen, X, {}),
    "one_task": (one_task, X, {}),
    "bfloat16": (halved, X, {}),
    "per_part": (graph, X, {"optimizer": per_part}),
    "clip_accumulate_average": (graph, X, {"optimizer": clipped}),
    "shared_penalty": (graph, X, {"shared_regularizer": "l2"}),
    "several_steps": (graph, X, {"steps_per_execution": 2}),
    "eager": (graph, X, {"run_eagerly": True}),
    "untrained": (graph, X, {"loss": {"a": "mse", "b": "mse", "c": None}}),
}
QUICK = ("graph", "masks", "penalties")
UNEVEN = ("graph", "several_steps")
LEVELS = ("features", "parameters", "last_shared")


def train(name, loss_weights, **options):
    keras.utils.set_random_seed(0)
    build, x, given = CASES[name]
    given = {**given, **options}
    optimizer = given.pop("optimizer", lambda: keras.optimizers.SGD(0.05))
    model = build()
    losses = given.pop("loss", dict.fromkeys(model.tasks, "mse"))
    model.compile(optimizer(), losses, loss_weights, **given)
    labels = {n: Y[n] for n in model.tasks if losses[n] is not None}
    # Batches of 16, 16 and 8, or of 20: JAX compiles a step for each size.
    batch_size = 16 if name in UNEVEN else 20
    history = model.fit(
        x, labels, batch_size=batch_size, shuffle=False, verbose=0, epochs=2
    ).history
    return model.get_weights(), history


@functools.cache
def static(name):
    """The weights and logs of static training; a case is compared often."""
    return train(name, None)


def assert_static(name, balancer, **options):
    expected, logs = static(name)
    received, ours = train(name, balancer, **options)
    # bfloat16 has 8 bits of mantissa: the order of sums shows.
    atol = 5e-3 if name == "bfloat16" else 2e-6
    for one, other in zip(expected, received, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=atol)
    assert ours.keys() == logs.keys()
    for key, values in logs.items():
        np.testing.assert_allclose(ours[key], values, rtol=0, atol=atol * 10)


@pytest.mark.sampled
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", QUICK)
def test_unit_weights_are_static_training(name, level):
    assert_static(name, Unit(on=level))


@pytest.mark.slow
@pytest.mark.parametrize("level", ["features", "parameters"])
@pytest.mark.parametrize("name", CASES)
def test_unit_weights_are_static_training_everywhere(name, level):
    # XLA takes less than TensorFlow and JAX do; an eager step has none.
    jit_compile = "run_eagerly" not in CASES[name][2]
    assert_static(name, Unit(on=level), jit_compile=jit_compile)


@pytest.mark.sampled
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_held_weights_of_one_are_static_training(level, jit_compile):
    balancer = Unit(on=level, update_every=3)
    assert_static("graph", balancer, jit_compile=jit_compile)


@pytest.mark.slow
def test_weights_are_held_between_exact_steps():
    class Counting(Unit):
        """Weights that tell the number of the exact step."""

        def initial_state(self, num_tasks):
            return {"count": np.ones((), "float32")}

        def _weigh(self, step):
            return step.state["count"] * step.present

        def _advance(self, step):
            return {"count": step.state["count"] + 1.0}

    for level in LEVELS:
        balancer = Counting(on=level, update_every=2, monitor=True)
        # Batches of 16, 16 and 8: weights 1, 1, 2 and then 2, 3, 3.
        _, logs = train("graph", balancer)
        np.testing.assert_allclose(logs["b_weight"], [4 / 3, 8 / 3], rtol=1e-5)


@pytest.mark.slow
def test_weights_reach_the_trunk_and_not_the_heads():
    class Only(Unit):
        """Task `a` alone moves the trunk."""

        def _weigh(self, step):
            return np.array([1.0, 0.0], "float32") * step.present

    def ends(loss_weights):
        keras.utils.set_random_seed(0)
        inputs, trunk = shared_bottom()
        model = MultiTaskModel(inputs, {n: answer(n, trunk) for n in "ab"})
        model.compile(keras.optimizers.SGD(0.05), "mse", loss_weights)
        model.train_on_batch(X[:16], {n: Y[n][:16] for n in "ab"})
        return {v.path: v.numpy() for v in model.weights}

    for level in LEVELS:
        received = ends(Only(on=level))
        alone, together = ends({"a": 1.0, "b": 0.0}), ends(None)
        for path, value in received.items():
            expected = alone if path.startswith("trunk") else together
            np.testing.assert_allclose(value, expected[path], atol=1e-6)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="this is the run on JAX"
)
def test_on_jax():
    files = [__file__, pathlib.Path(__file__).with_name("test_cost.py")]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *files, "-m", ""],
        env=backend_process.environment("jax"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert result.returncode == 0, result.stdout[-3000:]
