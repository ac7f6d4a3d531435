"""A weighted sum of the features of several experts."""

import keras
from keras import ops

from mtl_keras.sharing.layers.merging import Merging


@keras.saving.register_keras_serializable(package="mtl_keras")
class Mixture(Merging):
    """Sums the features of experts, each with an example's weight for it.

    Input: a list of weights `(batch, experts)`, or `(1, experts)` where all
    examples have the same, then each expert's features `(batch, ...)`, all of
    one shape. Output: features of that shape.
    """

    def call(self, inputs):
        """Sums the features."""
        weights, *experts = inputs
        ones = (1,) * (len(experts[0].shape) - 1)
        mixed = 0.0
        for index, features in enumerate(experts):
            weight = ops.cast(weights[:, index], features.dtype)
            mixed = mixed + ops.reshape(weight, (-1, *ones)) * features
        return mixed
