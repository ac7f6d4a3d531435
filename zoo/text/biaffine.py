"""Biaffine heads of dependency parsers (Dozat and Manning, ICLR 2017)."""

import keras
from keras import layers, ops

# Far below any score, and finite in float16.
_NEVER = -1e4


@keras.saving.register_keras_serializable(package="zoo")
class BiaffineArcs(layers.Layer):
    """Gives each word the probability of each possible head.

        s[d, h] = dependent(x_d) @ U @ head(x_h) + b @ head(x_h)

    with two small networks, softmax over `h`: the root, whose vector is
    learnt, and all words but `d`.

    Input: a list of features `(batch, tokens, channels)` and booleans
    `(batch, tokens)`. Output: float32 `(batch, tokens, limit + 1)`, column 0
    being the root and column `i` word `i`, from 1; 0 behind the last token.

    Args:
        limit: Integer, the most tokens of a sentence.
        units: Integer, size of the networks' outputs.
        dropout: Float in [0, 1), fraction of them dropped in training.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, limit: int, units: int, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.limit, self.units, self.dropout = limit, units, dropout
        self.dependent = layers.Dense(units, "gelu", name="dependent")
        self.head = layers.Dense(units, "gelu", name="head")
        self.drop = layers.Dropout(dropout, name="drop")

    def build(self, input_shape):
        """Makes the networks and the scores' weights."""
        features, _ = input_shape
        self.dependent.build(features)
        self.head.build(features)
        self.kernel = self.add_weight(
            (self.units, self.units),
            initializer="glorot_uniform",
            name="kernel",
        )
        self.bias = self.add_weight(
            (self.units,), initializer="zeros", name="bias"
        )
        self.root = self.add_weight(
            (self.units,), initializer="glorot_uniform", name="root"
        )

    def call(self, inputs, training=None):
        """Computes the probabilities."""
        features, present = inputs
        dependent = self.drop(self.dependent(features), training=training)
        head = self.drop(self.head(features), training=training)
        root = ops.broadcast_to(
            ops.cast(self.root, head.dtype), (ops.shape(head)[0], 1, self.units)
        )
        head = ops.concatenate([root, head], axis=1)
        # One sum over channels gives both terms.
        scores = ops.matmul(
            ops.matmul(dependent, self.kernel) + self.bias,
            ops.transpose(head, (0, 2, 1)),
        )
        length = ops.shape(features)[1]
        present = ops.cast(present, "float32")
        is_head = ops.concatenate(
            [ops.ones_like(present[:, :1]), present], axis=1
        )
        itself = ops.one_hot(
            ops.arange(1, length + 1), length + 1, dtype="float32"
        )
        never = (1.0 - is_head)[:, None] + itself[None]
        scores = ops.cast(scores, "float32") + never * _NEVER
        probabilities = ops.softmax(scores, axis=-1)
        # Widened by a product: sizes are not known while a graph is made.
        wider = ops.one_hot(
            ops.arange(length + 1), self.limit + 1, dtype="float32"
        )
        return ops.matmul(probabilities, wider)

    def compute_output_shape(self, input_shape):
        """One probability a position."""
        features, _ = input_shape
        return (*features[:-1], self.limit + 1)

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            **super().get_config(),
            "limit": self.limit,
            "units": self.units,
            "dropout": self.dropout,
        }


@keras.saving.register_keras_serializable(package="zoo")
class BiaffineRelations(layers.Layer):
    """Gives each word the probability of each relation to its head.

        s[d, r] = dependent(x_d) @ U_r @ h_d + w_r @ [dependent(x_d), h_d]

    The paper takes the vector `h_d` of the true head in training. Here it is
    the mean of the heads' vectors by the arcs' probabilities, in training and
    inference alike, so that the model reads no labels.

    Input: a list of features `(batch, tokens, channels)` and the output of
    `BiaffineArcs`. Output: float32 `(batch, tokens, num_classes)`.

    Args:
        num_classes: Integer.
        units: Integer, size of the networks' outputs.
        dropout: Float in [0, 1), fraction of them dropped in training.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(
        self, num_classes: int, units: int, dropout: float = 0.0, **kwargs
    ):
        super().__init__(**kwargs)
        self.num_classes, self.units = num_classes, units
        self.dropout = dropout
        self.dependent = layers.Dense(units, "gelu", name="dependent")
        self.head = layers.Dense(units, "gelu", name="head")
        self.linear = layers.Dense(num_classes, name="linear")
        self.drop = layers.Dropout(dropout, name="drop")

    def build(self, input_shape):
        """Makes the networks and the scores' weights."""
        features, _ = input_shape
        self.dependent.build(features)
        self.head.build(features)
        self.linear.build((*features[:-1], 2 * self.units))
        self.kernel = self.add_weight(
            (self.units, self.num_classes * self.units),
            initializer="glorot_uniform",
            name="kernel",
        )
        self.root = self.add_weight(
            (self.units,), initializer="glorot_uniform", name="root"
        )

    def call(self, inputs, training=None):
        """Computes the probabilities."""
        features, arcs = inputs
        dependent = self.drop(self.dependent(features), training=training)
        heads = self.drop(self.head(features), training=training)
        length = ops.shape(features)[1]
        arcs = ops.cast(arcs, heads.dtype)
        # Sub-words may be more than a sentence's words: the rest is padding.
        limit = arcs.shape[-1] - 1
        head = ops.matmul(arcs[:, :, 1 : length + 1], heads[:, :limit])
        head = head + arcs[:, :, :1] * ops.cast(self.root, heads.dtype)
        batch = ops.shape(features)[0]
        scores = ops.reshape(
            ops.matmul(dependent, self.kernel),
            (batch, length, self.num_classes, self.units),
        )
        scores = ops.sum(scores * head[:, :, None], axis=-1)
        scores = scores + self.linear(
            ops.concatenate([dependent, head], axis=-1)
        )
        return ops.softmax(ops.cast(scores, "float32"), axis=-1)

    def compute_output_shape(self, input_shape):
        """One probability a relation."""
        features, _ = input_shape
        return (*features[:-1], self.num_classes)

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "units": self.units,
            "dropout": self.dropout,
        }
