"""LoRA for each task: it starts from the trunk, and merges into it."""

import keras
import numpy as np
import pytest
from keras import layers

import mtl_keras
from tests.mtl_keras.sharing import cases


def _given():
    trunk = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, "tanh", name="zero"),
            layers.Dense(3, "tanh", name="one"),
        ]
    )
    rng = np.random.default_rng(0)
    for weight in trunk.weights:
        weight.assign(rng.normal(size=weight.shape))
    return trunk


def _build(trunk, name="lora", **arguments):
    model = mtl_keras.build(
        keras.Input((4,)),
        cases.tasks(),
        trunk=trunk,
        sharing={"name": name, **arguments},
    )
    for task in ("a", "b"):
        model.get_layer(task).set_weights([np.ones((3, 1)), np.zeros(1)])
    return model


X = np.random.default_rng(1).normal(size=(5, 4)).astype("float32")


@pytest.mark.parametrize("name", ["lora", "mapped"])
def test_starts_as_hard_sharing(name):
    trunk = _given()
    arguments = {"rank": 2} if name == "lora" else {}
    hard, other = _build(trunk, "hard"), _build(trunk, name, **arguments)
    for task in ("a", "b"):
        np.testing.assert_allclose(other(X)[task], hard(X)[task], atol=1e-6)


def test_update_is_scaled_by_alpha_over_rank():
    model = _build(_given(), rank=2, alpha=6.0)
    rng = np.random.default_rng(2)
    merged = {}
    for layer in ("zero", "one"):
        kernel, bias = model.get_layer(layer).get_weights()
        up = model.get_layer(f"b_{layer}_up")
        up.set_weights([rng.normal(size=up.kernel.shape)])
        down = model.get_layer(f"b_{layer}_down").get_weights()[0]
        merged[layer] = kernel + 3.0 * down @ up.get_weights()[0], bias
    features = X
    for kernel, bias in merged.values():
        features = np.tanh(features @ kernel + bias)
    expected = 1 / (1 + np.exp(-features.sum(axis=-1, keepdims=True)))
    np.testing.assert_allclose(model(X)["b"], expected, atol=1e-5)
    # The other task's adapters are untouched.
    hard = _build(_given(), "hard")
    np.testing.assert_allclose(model(X)["a"], hard(X)["a"], atol=1e-6)


def test_a_trunk_that_is_not_trained_leaves_the_adapters():
    model = _build(_given(), rank=2, train_trunk=False)
    names = {v.path.split("/")[0] for v in model.trainable_variables}
    assert {"zero", "one"}.isdisjoint(names)
    assert {"a_zero_down", "a_zero_up", "b_one_up", "a", "b"} < names
