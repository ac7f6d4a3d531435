"""Layers of the models that read sentences; all of them know the padding."""

import keras
from keras import layers, ops

# Far below any score, and finite in float16.
_NEVER = -1e4


@keras.saving.register_keras_serializable(package="zoo")
class Spelling(layers.Layer):
    """Reads a word by its characters (Ma and Hovy, ACL 2016).

    A convolution of width 3 over the characters and the maximum over the
    word. The ids become vectors by a product with their one-hot form: there
    are some hundreds of them at most, and the gradient of a lookup is 5 times
    slower under XLA on a CPU.

    Input: int32 `(batch, tokens, characters)`, 0 being padding. Output:
    `(batch, tokens, units)`.

    Args:
        num_characters: Integer, how many ids there are.
        units: Integer, channels of the convolution.
        embedding: Integer, numbers a character.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(
        self, num_characters: int, units: int, embedding: int = 24, **kwargs
    ):
        super().__init__(**kwargs)
        self.num_characters = num_characters
        self.units = units
        self.embedding = embedding

    def build(self, input_shape):
        """Makes the vectors of characters and the convolution's kernel."""
        del input_shape
        self.vectors = self.add_weight(
            (self.num_characters, self.embedding),
            initializer="glorot_uniform",
            name="vectors",
        )
        self.kernel = self.add_weight(
            (3 * self.embedding, self.units),
            initializer="glorot_uniform",
            name="kernel",
        )
        self.bias = self.add_weight(
            (self.units,), initializer="zeros", name="bias"
        )

    def call(self, inputs):
        """Reads the words."""
        present = ops.expand_dims(ops.not_equal(inputs, 0), -1)
        present = ops.cast(present, self.compute_dtype)
        shares = ops.one_hot(
            inputs, self.num_characters, dtype=self.compute_dtype
        )
        letters = ops.matmul(shares, self.vectors) * present
        around = ops.pad(letters, [[0, 0], [0, 0], [1, 1], [0, 0]])
        windows = ops.concatenate(
            [around[:, :, :-2], letters, around[:, :, 2:]], axis=-1
        )
        matches = ops.matmul(windows, self.kernel) + self.bias
        return ops.relu(ops.max(matches + (1.0 - present) * _NEVER, axis=2))

    def compute_output_shape(self, input_shape):
        """One vector a token."""
        return (*input_shape[:2], self.units)

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            **super().get_config(),
            "num_characters": self.num_characters,
            "units": self.units,
            "embedding": self.embedding,
        }


@keras.saving.register_keras_serializable(package="zoo")
class HidePadding(layers.Layer):
    """Sets to 0 what stands at the padding.

    Input: a list of features `(batch, tokens, channels)` and booleans
    `(batch, tokens)`. Output: features of the same shape.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # A mask that Keras attaches says the same; it is not passed on.
        self.supports_masking = True

    def compute_mask(self, inputs, mask=None):
        """Ends Keras's mask here."""
        del inputs, mask

    def call(self, inputs):
        """Multiplies by 0 or 1."""
        features, present = inputs
        present = ops.expand_dims(ops.cast(present, features.dtype), -1)
        return features * present

    def compute_output_shape(self, input_shape):
        """The features' shape."""
        return input_shape[0]


@keras.saving.register_keras_serializable(package="zoo")
class SentencePooling(layers.Layer):
    """Makes one vector of a sentence: what it attends to, and its maxima.

    Input: a list of features `(batch, tokens, channels)` and booleans
    `(batch, tokens)`. Output: `(batch, 2 * channels)`.

    Args:
        units: Integer, hidden units of the attention's scores.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, units: int = 64, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = layers.Dense(units, activation="tanh", name="hidden")
        # Without a bias, which a softmax would not see.
        self.score = layers.Dense(1, use_bias=False, name="score")

    def build(self, input_shape):
        """Builds the scores' layers."""
        features, _ = input_shape
        self.hidden.build(features)
        self.score.build((*features[:-1], self.units))

    def call(self, inputs):
        """Pools the tokens."""
        features, present = inputs
        present = ops.expand_dims(ops.cast(present, features.dtype), -1)
        never = (1.0 - present) * _NEVER
        scores = self.score(self.hidden(features)) + never
        share = ops.softmax(ops.cast(scores, "float32"), axis=1)
        share = ops.cast(share, features.dtype)
        return ops.concatenate(
            [
                ops.sum(share * features, axis=1),
                ops.max(features + never, axis=1),
            ],
            axis=-1,
        )

    def compute_output_shape(self, input_shape):
        """Drops the tokens."""
        features, _ = input_shape
        return features[0], 2 * features[-1]

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="zoo")
class BesideTokens(layers.Layer):
    """Puts a vector of the sentence beside the features of each token.

    Input: a list of features `(batch, tokens, channels)` and a vector
    `(batch, numbers)`. Output: `(batch, tokens, channels + numbers)`.
    """

    def call(self, inputs):
        """Repeats the vector and concatenates."""
        features, vector = inputs
        vector = ops.expand_dims(ops.cast(vector, features.dtype), 1)
        repeated = ops.broadcast_to(
            vector, (*ops.shape(features)[:2], vector.shape[-1])
        )
        return ops.concatenate([features, repeated], axis=-1)

    def compute_output_shape(self, input_shape):
        """Adds the vector's numbers to the channels."""
        features, vector = input_shape
        return (*features[:-1], features[-1] + vector[-1])


@keras.saving.register_keras_serializable(package="zoo")
class NearMark(layers.Layer):
    """Embeds how far each token is from the first marked one.

    Distances are clipped; a sentence without a mark has an embedding of its
    own. A product with the one-hot form, as in `Spelling`.

    Input: int32 `(batch, tokens)`, 1 at marked tokens. Output: `(batch,
    tokens, units)`.

    Args:
        units: Integer, numbers a distance.
        farthest: Integer, the largest distance that differs from larger ones.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, units: int, farthest: int = 12, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.farthest = farthest

    def build(self, input_shape):
        """Makes the embeddings."""
        del input_shape
        self.vectors = self.add_weight(
            (2 * self.farthest + 2, self.units),
            initializer="glorot_uniform",
            name="vectors",
        )

    def call(self, inputs):
        """Embeds the distances."""
        mark = ops.cast(inputs, "int32")
        place = ops.expand_dims(
            ops.arange(ops.shape(mark)[1], dtype="int32"), 0
        )
        first = ops.argmax(mark, axis=1, keepdims=True)
        distance = place - ops.cast(first, "int32")
        number = self.farthest + ops.clip(
            distance, -self.farthest, self.farthest
        )
        has_mark = ops.max(mark, axis=1, keepdims=True) > 0
        number = ops.where(has_mark, number, 2 * self.farthest + 1)
        chosen = ops.one_hot(
            number, 2 * self.farthest + 2, dtype=self.compute_dtype
        )
        return ops.matmul(chosen, self.vectors)

    def compute_output_shape(self, input_shape):
        """One vector a token."""
        return (*input_shape, self.units)

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            **super().get_config(),
            "units": self.units,
            "farthest": self.farthest,
        }


@keras.saving.register_keras_serializable(package="zoo")
class AtMark(layers.Layer):
    """Averages the features of the marked tokens; 0 where none is marked.

    Input: a list of features `(batch, tokens, channels)` and int32 `(batch,
    tokens)`, 1 at marked tokens. Output: `(batch, channels)`.
    """

    def call(self, inputs):
        """Averages."""
        features, mark = inputs
        mark = ops.cast(mark, features.dtype)
        mark = mark / ops.maximum(ops.sum(mark, axis=1, keepdims=True), 1)
        return ops.sum(features * ops.expand_dims(mark, -1), axis=1)

    def compute_output_shape(self, input_shape):
        """One vector a sentence."""
        features, _ = input_shape
        return features[0], features[-1]
