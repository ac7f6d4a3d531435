"""Which weights count as kernels."""

import keras
from keras import layers

from mtl_keras.sharing.kernels import kernels


def test_kernels_are_weights_that_multiply_features():
    x = keras.Input((6, 8))
    y = layers.LSTM(4, return_sequences=True, name="lstm")(x)
    y = layers.GRU(4, return_sequences=True, name="gru")(y)
    y = layers.SeparableConv1D(4, 3, name="separable")(y)
    y = layers.MultiHeadAttention(2, 3, name="attention")(y, y)
    y = layers.LayerNormalization(axis=(1, 2), name="norm")(y)
    y = layers.BatchNormalization(name="batch")(y)
    y = layers.Dense(2, name="dense")(y)
    words = layers.Embedding(5, 2, name="words")(keras.Input((6,)))
    variables = [*keras.Model(x, y).weights]
    variables += words._keras_history.operation.weights
    found = {
        "/".join(variable.path.split("/")[:1] + [variable.name])
        for variable in kernels(variables)
    }
    assert found == {
        "lstm/kernel",
        "lstm/recurrent_kernel",
        "gru/kernel",
        "gru/recurrent_kernel",
        "separable/depthwise_kernel",
        "separable/pointwise_kernel",
        "attention/kernel",
        "dense/kernel",
    }
    # A kernel each for query, key, value and output.
    assert len(kernels(variables)) == 11
