"""What a step hands to a method of two half batches."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mtl_keras import MultiTaskModel, balancing
from tests.test_case import to_numpy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(7, 4)).astype("float32")
Y = {name: RNG.normal(size=(7, 1)).astype("float32") for name in "ab"}
KERNEL = RNG.normal(size=(4, 3)).astype("float32")
HEADS = {name: RNG.normal(size=(3, 1)).astype("float32") for name in "ab"}


class Records(balancing.GradientBalancer):
    """Weights of 1; keeps the products of the halves."""

    levels = ("parameters", "last_shared")
    needs_halves = True

    def initial_state(self, num_tasks):
        size = 2 * num_tasks
        return {
            "halves": np.zeros((size, size), "float32"),
            "gramian": np.zeros((num_tasks, num_tasks), "float32"),
        }

    def _weigh(self, step):
        return step.present

    def _advance(self, step):
        return {"halves": step.halves, "gramian": step.gramian}


def gradients(places):
    """Each task's gradient in the trunk from some examples, doubled.

    By hand: the mean is over all seven labels, so a half is doubled.
    """
    rows = []
    for name in "ab":
        error = X @ KERNEL @ HEADS[name] - Y[name]
        error[[i for i in range(7) if i not in places]] = 0.0
        rows.append(2 * 2 / 7 * (X.T @ (error @ HEADS[name].T)).ravel())
    return np.stack(rows)


@pytest.mark.sampled
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    ("level", "every"),
    [("parameters", 1), ("parameters", 2), ("last_shared", 1)],
)
def test_halves_are_every_second_example(level, every, jit_compile):
    inputs = keras.Input((4,))
    trunk = layers.Dense(3, use_bias=False, name="trunk")(inputs)
    dense = layers.Dense
    model = MultiTaskModel(
        inputs, {n: dense(1, use_bias=False, name=n)(trunk) for n in "ab"}
    )
    model.set_weights([KERNEL, *(HEADS[name] for name in "ab")])
    balancer = Records(on=level, update_every=every, monitor=True)
    model.compile(
        keras.optimizers.SGD(0.1), "mse", balancer, jit_compile=jit_compile
    )
    logs = model.train_on_batch(X, Y, return_dict=True)
    rows = np.concatenate([gradients([0, 2, 4, 6]), gradients([1, 3, 5])])
    state = {name: to_numpy(v) for name, v in balancer.state(2).items()}
    np.testing.assert_allclose(state["halves"], rows @ rows.T, rtol=1e-4)
    whole = (rows[:2] + rows[2:]) / 2
    np.testing.assert_allclose(state["gramian"], whole @ whole.T, rtol=1e-4)
    # The direction, and the logs, are those of the whole batch.
    np.testing.assert_allclose(
        to_numpy(model.get_layer("trunk").kernel),
        KERNEL - 0.1 * whole.sum(axis=0).reshape(4, 3),
        atol=1e-5,
    )
    np.testing.assert_allclose(
        logs["a_gradient_norm"], np.linalg.norm(whole[0]), rtol=1e-4
    )


def test_halves_hide_absent_tasks():
    halves = ops.convert_to_tensor(np.ones((4, 4), "float32"))
    balancer = Records()
    balancer.update(np.ones((2, 2)), present=[1, 0], halves=halves)
    kept = np.array([1.0, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(
        to_numpy(balancer.state(2)["halves"]), np.outer(kept, kept)
    )
