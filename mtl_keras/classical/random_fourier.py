"""Random Fourier features: a shared function space of an RBF kernel.

Rahimi and Recht, NeurIPS 2007,
https://papers.nips.cc/paper/2007/hash/013a006f03dbc5392effeb8f18fda755.
"""

import keras
import numpy as np
from keras import layers, ops

from mtl_keras import checks
from mtl_keras.classical import adapted

_MOST_PAIRED = 1000


@keras.saving.register_keras_serializable(package="mtl_keras")
class RandomFourierFeatures(layers.Layer):
    """Features whose inner products approach `exp(-gamma * |x - y|^2)`.

    `sqrt(2 / D) * cos(x @ W + b)` with the columns of `W` drawn from a normal
    distribution of variance `2 * gamma` and `b` uniformly from a full turn,
    algorithm 1. The error of an inner product falls like `1 / sqrt(D)`.
    Linear heads on them are kernel machines that share one kernel. The draws
    are the same on every backend.

    Args:
        num_features: Integer of at least 1, `D`.
        gamma: Float above 0, or `None`: `adapt` takes one over the median
            squared distance of two examples. Defaults to `None`.
        seed: Integer. Defaults to 0.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(
        self,
        num_features: int,
        *,
        gamma: float | None = None,
        seed: int = 0,
        **kwargs,
    ):
        # Angles of half precision would lose their place in the turn.
        options = {"trainable": False, **kwargs, "autocast": False}
        super().__init__(**options)
        self.num_features = checks.integer("num_features", num_features, low=1)
        self.gamma = (
            None if gamma is None else checks.number("gamma", gamma, above=0.0)
        )
        self.seed = checks.integer("seed", seed, low=0)

    def adapt(self, data) -> None:
        """Sets `gamma` by the median distance; before the layer is built.

        Args:
            data: Array of shape `(examples, size)`, or batches of it; 1,000
                random examples are compared.

        Raises:
            ValueError: If the data do not fit, half of the examples are equal,
                or the layer is built.
        """
        from scipy.spatial import distance

        if self.built:
            raise ValueError(
                f"{self.name!r} is built: adapt it before its first call."
            )
        data = adapted.matrix(self.name, data)
        rng = np.random.default_rng(self.seed)
        chosen = rng.permutation(len(data))[:_MOST_PAIRED]
        median = float(np.median(distance.pdist(data[chosen], "sqeuclidean")))
        if median <= 0:
            raise ValueError(
                f"{self.name!r}: half of the pairs of examples are equal, so "
                "their median distance is 0. Give `gamma`."
            )
        self.gamma = 1.0 / median

    def build(self, input_shape):
        """Draws the frequencies and the shifts."""
        if self.gamma is None:
            raise ValueError(
                f"{self.name!r} is not fitted. Give `gamma`, or call "
                "`layer.adapt(data)` with the training data first."
            )
        if len(input_shape) != 2 or input_shape[-1] is None:
            raise ValueError(
                f"{self.name!r} reads vectors of shape (batch, size). "
                f"Received: inputs of shape {tuple(input_shape)}"
            )
        self.input_spec = layers.InputSpec(
            ndim=2, axes={-1: int(input_shape[-1])}
        )
        rng = np.random.default_rng(self.seed)
        size = (int(input_shape[-1]), self.num_features)
        frequencies = rng.normal(size=size) * np.sqrt(2.0 * self.gamma)
        shifts = rng.uniform(0, 2 * np.pi, self.num_features)
        self.kernel = self._fixed("kernel", frequencies)
        self.bias = self._fixed("bias", shifts)

    def _fixed(self, name, values):
        return self.add_weight(
            shape=values.shape,
            initializer=lambda shape, dtype: ops.cast(values, dtype),
            trainable=False,
            autocast=False,
            name=name,
        )

    def call(self, inputs):
        """Maps vectors of shape `(batch, size)` to `(batch, D)`."""
        inputs = ops.cast(inputs, self.variable_dtype)
        angles = ops.matmul(inputs, self.kernel) + self.bias
        features = ops.cos(angles) * (2.0 / self.num_features) ** 0.5
        return ops.cast(features, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Returns the shape with the last axis of the features."""
        return (*input_shape[:-1], self.num_features)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "num_features": self.num_features,
            "gamma": self.gamma,
            "seed": self.seed,
        }
