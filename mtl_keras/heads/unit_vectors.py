"""Scales vectors to length 1."""

import keras
from keras import ops

# In float32 it does not change a length above 3e-3.
_TINY = 1e-12


@keras.saving.register_keras_serializable(package="mtl_keras")
class UnitVectors(keras.layers.Layer):
    """Divides the vectors along the last axis by their length.

    A vector of length 0 stays 0, with a finite gradient: that of Keras's
    `UnitNormalization` is NaN under XLA.
    """

    def call(self, inputs):
        """Computes the unit vectors.

        Args:
            inputs: Tensor of shape `(..., size)`.

        Returns:
            Tensor of the same shape.
        """
        squares = ops.sum(ops.square(inputs), axis=-1, keepdims=True)
        return inputs * ops.rsqrt(squares + _TINY)

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape
