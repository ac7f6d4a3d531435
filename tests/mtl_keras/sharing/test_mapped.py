"""Mapped parameters: scales and shifts of one trunk's."""

import keras
import numpy as np
from keras import layers

import mtl_keras
from tests.mtl_keras.sharing import cases

X = np.random.default_rng(1).normal(size=(3, 6, 6, 2)).astype("float32")


def _convolution():
    return layers.Conv2D(4, 3, activation="relu", name="conv")


def test_equals_a_trunk_with_the_mapped_parameters():
    model = mtl_keras.build(
        keras.Input((6, 6, 2)),
        cases.tasks(),
        trunk=lambda x: layers.GlobalMaxPooling2D()(_convolution()(x)),
        sharing="mapped",
    )
    rng = np.random.default_rng(0)
    scale, shift = rng.normal(size=4), rng.normal(size=4)
    model.get_layer("b_conv").set_weights([scale, shift])
    kernel, bias = model.get_layer("conv").get_weights()
    plain = _convolution()
    plain.build(X.shape)
    plain.set_weights([kernel * scale, bias * scale + shift])
    features = np.max(keras.ops.convert_to_numpy(plain(X)), axis=(1, 2))
    received = keras.Model(model.input, model.get_layer("b").input)(X)
    np.testing.assert_allclose(received, features, atol=1e-5)


def test_features_level_is_taken_where_a_tensor_is_shared():
    # Of a single layer, all tasks read the same product x @ W.
    model = mtl_keras.build(
        keras.Input((4,)),
        cases.tasks(),
        trunk=lambda x: layers.Dense(3)(x),
        sharing="mapped",
    )
    balancer = mtl_keras.balancing.CAGrad(on="features")
    model.compile("sgd", loss_weights=balancer)
    assert model.step_plan is not None
