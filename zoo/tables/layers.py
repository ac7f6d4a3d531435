"""Layers of the models that read tables."""

import itertools

import keras
from keras import layers, ops

from mtl_keras import checks


@keras.saving.register_keras_serializable(package="zoo")
class ColumnEmbedding(layers.Layer):
    """Embeds each column of a table by a linear layer of its own and a ReLU.

    The input holds several values of each column, such as the code of its
    quantiles (`ColumnPreprocessor.feature_columns`). Gorishniy et al., On
    Embeddings for Numerical Features in Tabular Deep Learning, NeurIPS 2022,
    https://arxiv.org/abs/2203.05556, "LR" over a piecewise-linear encoding.

    Input: `(batch, features)`. Output: `(batch, columns * units)`.

    Args:
        columns: Sequence of strings, the column of each feature.
        units: Integer of at least 1, values a column.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, columns, units: int, **kwargs):
        super().__init__(**kwargs)
        self.columns = tuple(columns)
        self.units = checks.integer("units", units, low=1)

    def build(self, input_shape):
        """Makes a kernel for each column."""
        if input_shape[-1] != len(self.columns):
            raise ValueError(
                f"ColumnEmbedding expects {len(self.columns)} features, one "
                f"for each of `columns`. Received: shape {tuple(input_shape)}"
            )
        names = list(dict.fromkeys(self.columns))
        places = [names.index(name) for name in self.columns]
        self.kernel = self.add_weight(
            (len(places), self.units),
            # Of 16 or so features, of which a few are not 0.
            initializer=keras.initializers.VarianceScaling(
                2.0, "fan_out", "uniform"
            ),
            name="kernel",
        )
        self.bias = self.add_weight(
            (len(names) * self.units,), initializer="zeros", name="bias"
        )
        self._belongs = [
            [float(place == index) for index in range(len(names))]
            for place in places
        ]

    def call(self, inputs):
        """Embeds the columns."""
        # One product with a block-diagonal kernel is faster than a layer for
        # each column.
        belongs = ops.convert_to_tensor(self._belongs, self.compute_dtype)
        kernel = ops.expand_dims(belongs, -1) * ops.expand_dims(self.kernel, 1)
        kernel = ops.reshape(kernel, (len(self.columns), -1))
        return ops.relu(ops.matmul(inputs, kernel) + self.bias)

    def compute_output_shape(self, input_shape):
        """Returns `(batch, columns * units)`."""
        num_columns = len(set(self.columns))
        return (*input_shape[:-1], num_columns * self.units)

    def get_config(self):
        """Returns the arguments of the constructor."""
        # Runs: there may be a hundred features of one column.
        runs = [
            [name, len(list(run))]
            for name, run in itertools.groupby(self.columns)
        ]
        return {**super().get_config(), "columns": runs, "units": self.units}

    @classmethod
    def from_config(cls, config):
        """Makes the layer that `get_config` described."""
        runs = config.pop("columns")
        columns = [name for name, length in runs for _ in range(length)]
        return cls(columns, **config)
