"""A float8 layer's scales take the values that they measure, at every level."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mtl_keras import MultiTaskModel, balancing

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 8)).astype("float32")
Y = {"a": 300 * X.sum(axis=1, keepdims=True), "b": 2 - X[:, :1]}
# Larger than any input, so that a weighed value would show.
X[3, 2] = 2.40625


def model_of(balancer, penalty=None):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8,), name="x")
    trunk = layers.Dense(6, name="trunk", activity_regularizer=penalty)(inputs)
    model = MultiTaskModel(
        inputs, {name: layers.Dense(1, name=name)(trunk) for name in "ab"}
    )
    model.get_layer("trunk").quantize("float8")
    model.compile(keras.optimizers.SGD(1e-6), "mse", balancer)
    return model


def newest(history):
    return float(ops.convert_to_numpy(history)[0])


def largest(array):
    return float(np.max(np.abs(array)))


BALANCERS = {
    "static": lambda: None,
    "features": lambda: balancing.CAGrad(on="features"),
    "parameters": lambda: balancing.CAGrad(on="parameters"),
    "reused": lambda: balancing.CAGrad(on="parameters", update_every=2),
    "merged": lambda: balancing.PCGrad(on="parameters"),
}


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("name", "penalty"),
    [
        ("static", None),
        ("features", "l2"),
        ("parameters", None),
        ("parameters", "l2"),
        ("reused", None),
        ("merged", None),
    ],
)
def test_ranges_are_those_of_the_inputs_and_the_kernel(name, penalty):
    model = model_of(BALANCERS[name](), penalty)
    trunk = model.get_layer("trunk")
    for _ in range(2):
        kernel = ops.convert_to_numpy(trunk.kernel)
        model.train_on_batch(X, Y)
        measured = newest(trunk.inputs_amax_history)
        np.testing.assert_allclose(measured, largest(X), rtol=1e-6)
        measured = newest(trunk.kernel_amax_history)
        np.testing.assert_allclose(measured, largest(kernel), rtol=1e-6)
    # The first step's range gives the second step's scale: float8 (e4m3)
    # reaches 448.
    scale = float(ops.convert_to_numpy(trunk.inputs_scale))
    np.testing.assert_allclose(scale, largest(X) / 448, rtol=1e-5)


def test_range_of_gradients_is_the_largest_of_the_tasks():
    model = model_of(balancing.CAGrad(on="parameters"))
    outputs = model.predict(X, verbose=0)
    expected = max(
        largest(
            2
            / len(X)
            * (outputs[name] - Y[name])
            @ ops.convert_to_numpy(model.get_layer(name).kernel).T
        )
        for name in "ab"
    )
    model.train_on_batch(X, Y)
    measured = newest(model.get_layer("trunk").outputs_grad_amax_history)
    np.testing.assert_allclose(measured, expected, rtol=1e-4)
