"""Adam's step for a balancer's scalars, against Keras's optimizer."""

import keras
import numpy as np

from mtl_keras.balancing import adam
from tests.test_case import to_numpy

GRADIENTS = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")


def run(gradients, moves):
    values, state = np.zeros(3, "float32"), adam.initial_state(3)
    for gradient, mask in zip(gradients, moves, strict=True):
        change, state = adam.step(state, gradient, mask, 0.1)
        values = values + to_numpy(change)
        state = {name: to_numpy(value) for name, value in state.items()}
    return values, state


def test_steps_are_those_of_keras():
    variable = keras.Variable(np.zeros(3, "float32"))
    optimizer = keras.optimizers.Adam(0.1, epsilon=1e-8)
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    values, _ = run(GRADIENTS, [np.ones(3, bool)] * 20)
    np.testing.assert_allclose(values, to_numpy(variable), rtol=1e-4)


def test_what_does_not_move_keeps_its_moments():
    # Entry 1 rests at every second step: it goes the way of its own steps.
    rests = np.array([[True, step % 2 == 0, True] for step in range(20)])
    values, state = run(GRADIENTS, rests)
    alone, _ = run(GRADIENTS[::2], [np.ones(3, bool)] * 10)
    np.testing.assert_array_equal(values[1], alone[1])
    np.testing.assert_array_equal(state["adam_count"], [20, 10, 20])


def test_gradients_beyond_the_range_move_by_one_step():
    for gradient in (1e38, np.inf):
        values, state = run(
            [np.full(3, gradient, "float32")], np.ones((1, 3), bool)
        )
        np.testing.assert_allclose(values, -0.1, rtol=1e-5)
        assert np.isfinite(state["adam_square"]).all()
