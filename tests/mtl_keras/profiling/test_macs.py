"""Multiply-accumulates, each count worked out by hand beside it."""

import keras
import pytest
from keras import layers

from mtl_keras.profiling.macs import macs


def test_convolution_and_dense():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    x = layers.BatchNormalization()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(5)(x)
    expected = 8 * 8 * 4 * (3 * 3 * 3) + 8 * 8 * 4 * 5
    assert macs(keras.Model(image, {"answer": x})) == expected


def test_strides_groups_and_depthwise():
    image = keras.Input((9, 9, 4))
    x = layers.Conv2D(6, 3, strides=2, padding="valid", groups=2)(image)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    expected = 4 * 4 * 6 * (3 * 3 * 2) + 4 * 4 * 6 * (3 * 3)
    assert macs(keras.Model(image, x)) == expected


def test_transposed_convolution_counts_its_input_positions():
    image = keras.Input((3, 3, 6))
    x = layers.Conv2DTranspose(2, 3)(image)
    assert macs(keras.Model(image, x)) == 3 * 3 * 6 * (3 * 3 * 2)


def test_attention():
    tokens = keras.Input((7, 6))
    x = layers.MultiHeadAttention(2, 4)(tokens, tokens)
    projections = 3 * (7 * 6 * 8) + 7 * 8 * 6
    products = 2 * (2 * 7 * 7 * 4)
    assert macs(keras.Model(tokens, x)) == projections + products


def test_several_inputs_in_a_dict():
    inputs = {n: keras.Input((s,), name=n) for n, s in (("a", 3), ("b", 4))}
    x = layers.Dense(2)(layers.concatenate([inputs["a"], inputs["b"]]))
    assert macs(keras.Model(inputs, x)) == 7 * 2


def test_shared_layer_counts_each_use():
    first, second = keras.Input((3,)), keras.Input((3,))
    shared = layers.Dense(2)
    model = keras.Model([first, second], [shared(first), shared(second)])
    assert macs(model) == 2 * (3 * 2)


def test_loop_is_refused():
    tokens = keras.Input((7, 6))
    model = keras.Model(tokens, layers.LSTM(5)(tokens))
    with pytest.raises(ValueError, match="loop"):
        macs(model)


def test_unrolled_loop_counts_each_step():
    tokens = keras.Input((7, 6))
    model = keras.Model(tokens, layers.LSTM(5, unroll=True)(tokens))
    assert macs(model) == 7 * (6 * 20 + 5 * 20)


def test_unknown_size_is_refused():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, layers.Conv2D(2, 1)(image))
    with pytest.raises(ValueError, match="known size"):
        macs(model)
