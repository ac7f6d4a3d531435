"""A linear-chain conditional random field over the tags of a sentence."""

import keras
import numpy as np
from keras import layers, ops

from mtl_keras.heads import valid_tags

# Added to a score: no sum of other scores makes up for it.
_PENALTY = -1e4


@keras.saving.register_keras_serializable(package="mtl_keras")
class ChainCRF(layers.Layer):
    r"""Predicts the tags of a sentence jointly (Lafferty et al., ICML 2001).

    With scores `s[t, y]` of the features and learnt scores `m[y, y']` of
    neighbours, a sequence of tags has the probability

        p(y) = exp(sum_t s[t, y_t] + sum_t m[y_{t-1}, y_t]) / Z

    In training the output is each tag's marginal probability
    `p(y_t) = sum of p over all sequences with y_t`, by the forward-backward
    algorithm, so that the cross-entropy of the task is the objective of
    Kakade, Teh and Roweis (ICML 2002), the marginal likelihood; any other
    loss of probabilities works as well, and any token's label may be missing.
    In inference it is `max of p over all sequences with y_t`, scaled to sum to
    1: the most probable tags of the tokens then form the most probable
    sequence, which is what the Viterbi algorithm finds.

    With `class_names` inference considers only sequences that mark spans by
    the rules of BIO (IOB2) or BIOES, as AllenNLP's decoder does: an `I-city`
    follows `B-city` or `I-city`. Other tags have the probability 0 there.
    Training is the same with and without.

    Shapes are fixed, tokens are processed by a loop, in float32: it compiles
    under XLA.

    Args:
        class_names: Sequence of strings, the tags in their order: `"O"`, or a
            prefix `B`, `I`, `E` or `S`, a hyphen and a kind. Defaults to
            `None`: any tag may follow any other.
        **kwargs: As for `keras.layers.Layer`.

    Raises:
        ValueError: If a name is not such a tag.

    Input: a list of scores `(batch, tokens, tags)` and booleans
    `(batch, tokens)`, false at the padding behind a sentence. Output:
    probabilities `(batch, tokens, tags)`, of no meaning at the padding.
    """

    def __init__(self, class_names=None, **kwargs):
        super().__init__(**kwargs)
        self.class_names = None if class_names is None else list(class_names)
        self._penalties = None
        if class_names is not None:
            invalid = valid_tags.find_invalid(self.class_names)
            self._penalties = [_PENALTY * np.float32(part) for part in invalid]

    def get_config(self):
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "class_names": self.class_names}

    def build(self, input_shape):
        """Creates the scores of neighbours and the two message passes."""
        num_tags = input_shape[0][-1]
        if self.class_names is not None and len(self.class_names) != num_tags:
            raise ValueError(
                f"A ChainCRF over {num_tags} tags needs as many class names. "
                f"Received: {len(self.class_names)} class names."
            )
        self.transitions = self.add_weight(
            (num_tags, num_tags),
            initializer="zeros",
            dtype="float32",
            name="transitions",
        )
        # The backward pass is a forward pass over the reversed sentence, where
        # the padding comes first.
        self._passes = [
            layers.RNN(
                _Messenger(
                    num_tags,
                    self._neighbours,
                    is_backward=is_backward,
                    dtype="float32",
                ),
                return_sequences=True,
                go_backwards=is_backward,
                dtype="float32",
            )
            for is_backward in (False, True)
        ]

    def call(self, inputs, training=False):
        """Computes the probabilities."""
        scores, present = inputs
        scores = ops.cast(scores, "float32")
        present = ops.expand_dims(ops.cast(present, "float32"), -1)
        if self._penalties is not None and not training:
            scores = scores + self._end_penalties(present)
        tokens = ops.concatenate([scores, present], axis=-1)
        forward, backward = (
            messages(tokens, training=training) for messages in self._passes
        )
        backward = ops.flip(backward, axis=1)
        return ops.softmax(scores + forward + backward, axis=-1)

    def _neighbours(self, training):
        """Returns the scores of neighbours, the earlier tag first."""
        if self._penalties is None or training:
            return self.transitions
        return self.transitions + self._penalties[1]

    def _end_penalties(self, present):
        """Returns those of tags at the two ends of a sentence."""
        first, _, last = self._penalties
        before = ops.pad(present, ((0, 0), (1, 0), (0, 0)))[:, :-1]
        after = ops.pad(present, ((0, 0), (0, 1), (0, 0)))[:, 1:]
        return present * ((1.0 - before) * first + (1.0 - after) * last)

    def compute_output_shape(self, input_shape):
        """Returns the scores' shape."""
        return input_shape[0]


class _Messenger(layers.Layer):
    """A cell that passes each token the scores of the tokens before it.

    An RNN, because Keras's loop over cells has a gradient under XLA even if
    the number of tokens is unknown while the step is traced.

    Args:
        num_tags: Integer.
        neighbours: Function of whether the model trains that returns the scores
            of neighbours, a float32 tensor of shape `(tags, tags)`, the earlier
            tag first.
        is_backward: Boolean, whether tokens come from the last to the first.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, num_tags, neighbours, *, is_backward, **kwargs):
        super().__init__(**kwargs)
        self.state_size = self.output_size = num_tags
        self._neighbours = neighbours
        self._is_backward = is_backward

    def build(self, input_shape):
        """Creates no variables."""

    def call(self, inputs, states, training=False):
        """Processes one token; padding passes on zeros."""
        scores, present = inputs[:, :-1], inputs[:, -1:]
        step = _sum_step if training else _max_step
        neighbours = self._neighbours(training)
        passed = step(scores + states[0], neighbours, self._is_backward)
        return states[0], [passed * present]


def _sum_step(scores, transitions, is_backward):
    """Computes `log(sum_y exp(scores[y] + transitions[y, y']))`."""
    if is_backward:
        transitions = ops.transpose(transitions)
    highest = ops.max(scores, axis=-1, keepdims=True)
    highest = ops.stop_gradient(highest)
    largest = ops.stop_gradient(ops.max(transitions))
    total = ops.matmul(
        ops.exp(scores - highest), ops.exp(transitions - largest)
    )
    return ops.log(total + 1e-30) + highest + largest


def _max_step(scores, transitions, is_backward):
    """Computes `max_y (scores[y] + transitions[y, y'])`.

    Backwards, the maximum runs along the other axis: tf2onnx 1.17 cannot
    convert a transpose that is added to a tensor of higher rank in a loop.
    """
    if is_backward:
        return ops.max(ops.expand_dims(scores, -2) + transitions, axis=-1)
    return ops.max(ops.expand_dims(scores, -1) + transitions, axis=-2)
