"""One task's linear combination of the subspaces of all tasks' features."""

import keras
import numpy as np
from keras import layers, ops

from mtl_keras.sharing.layers.merging import Merging


@keras.saving.register_keras_serializable(package="mtl_keras")
class SluiceUnit(Merging):
    """Mixes the subspaces of all tasks' features into those of one task.

    A subspace is a group of adjacent channels. With `s` subspaces, subspace
    `g` of the output is the sum over tasks `k` and subspaces `h` of
    `alpha[k, g, h] * features[k][h]`.

    Input: a list of the tasks' features `(batch, ..., channels)`, all of one
    shape. Output: features of that shape.

    Args:
        index: Integer, the place of this unit's own task in the list.
        num_subspaces: Integer that divides the channels.
        own: Float, the first weight of a subspace in itself; all others have
            `(1 - own) / (tasks * num_subspaces - 1)`.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, index: int, num_subspaces: int, own: float, **kwargs):
        super().__init__(**kwargs)
        self.index = index
        self.num_subspaces = num_subspaces
        self.own = own

    def build(self, input_shape):
        """Creates the weights, a matrix of subspaces for each task."""
        num_tasks, count = len(input_shape), self.num_subspaces
        rest = (1.0 - self.own) / max(num_tasks * count - 1, 1)
        start = np.full((num_tasks, count, count), rest, "float32")
        start[self.index][np.eye(count, dtype=bool)] = self.own
        self.alpha = self.add_weight(
            start.shape,
            initializer=lambda shape, dtype: ops.cast(start, dtype),
            name="alpha",
        )

    def call(self, inputs):
        """Mixes the subspaces."""
        shape = ops.shape(inputs[0])
        split = (*shape[:-1], self.num_subspaces, -1)
        mixed = sum(
            ops.matmul(self.alpha[index], ops.reshape(features, split))
            for index, features in enumerate(inputs)
        )
        return ops.reshape(mixed, shape)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "index": self.index,
            "num_subspaces": self.num_subspaces,
            "own": self.own,
        }


@keras.saving.register_keras_serializable(package="mtl_keras")
class StageMixture(Merging):
    """Adds up the features of a task's stages, with learned weights.

    Input: a list of features of one shape, from the first stage to the last.
    Output: features of that shape.

    Args:
        last: Float, the first weight of the last stage; the others have
            `(1 - last) / (stages - 1)`.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, last: float, **kwargs):
        super().__init__(**kwargs)
        self.last = last

    def build(self, input_shape):
        """Creates a weight for each stage."""
        count = len(input_shape)
        start = np.full(count, (1.0 - self.last) / max(count - 1, 1), "float32")
        start[-1] = self.last
        self.beta = self.add_weight(
            (count,),
            initializer=lambda shape, dtype: ops.cast(start, dtype),
            name="beta",
        )

    def call(self, inputs):
        """Adds up the features."""
        return sum(
            self.beta[index] * features for index, features in enumerate(inputs)
        )

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "last": self.last}


@keras.saving.register_keras_serializable(package="mtl_keras")
class SubspaceOrthogonality(layers.Layer):
    """Adds a penalty on what the subspaces of features have in common.

    Of each pair of subspaces `a` and `b`, matrices of examples (and positions)
    by channels, the penalty is `|a.T @ b|^2 / (|a|^2 * |b|^2)` with Frobenius
    norms, from 0 (orthogonal) to 1. The features pass unchanged.

    Args:
        num_subspaces: Integer that divides the channels.
        weight: Float, the factor of the penalty.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, num_subspaces: int, weight: float, **kwargs):
        super().__init__(**kwargs)
        self.num_subspaces = num_subspaces
        self.weight = weight
        self.supports_masking = True

    def call(self, inputs, training=False):
        """Adds the penalty in training."""
        if training:
            channels = inputs.shape[-1]
            flat = ops.cast(ops.reshape(inputs, (-1, channels)), "float32")
            parts = ops.split(flat, self.num_subspaces, axis=-1)
            # Norms of products stay in the range of float32.
            parts = [
                part / ops.sqrt(ops.sum(ops.square(part)) + 1e-30)
                for part in parts
            ]
            penalty = sum(
                ops.sum(ops.square(ops.matmul(ops.transpose(a), b)))
                for place, a in enumerate(parts)
                for b in parts[place + 1 :]
            )
            self.add_loss(self.weight * penalty)
        return inputs

    def compute_output_shape(self, input_shape):
        """Returns the features' shape."""
        return input_shape

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_subspaces": self.num_subspaces,
            "weight": self.weight,
        }
