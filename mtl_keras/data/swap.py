"""Random augmentation of batches of sentences and their tags.

Each augmentation is called with `(inputs, labels, seed)` and returns new
`(inputs, labels)`, as those of images in `mtl_keras.data.augment`, whose
`Compose` applies several.
"""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from mtl_keras import checks
from mtl_keras.data.text import PADDING, UNKNOWN

_MARKS = ("B-", "I-")


@dataclasses.dataclass(frozen=True)
class SwapSpans:
    """Exchanges spans between the sentences of a batch, kind by kind.

    Each span is replaced, with probability `rate`, by one of the same kind
    that is drawn from all sentences of the batch: "play **jazz**" and "add it
    to **old time rock**" stay sentences, and a tagger learns the contexts of
    spans, not their words. A sentence that would grow beyond the batch's
    padding is not changed, nor is a batch without tags.

    Args:
        class_names: Sequence of strings, the tags by class number: `"O"`,
            and `"B-..."` and `"I-..."` for each kind.
        rate: Float in [0, 1].
        task: String, the task whose labels are the tags.

    Raises:
        ValueError: If `rate` is out of range.
    """

    class_names: Sequence[str]
    rate: float = 0.5
    task: str = "slot"

    def __post_init__(self):
        checks.fraction("rate", self.rate)

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        if self.task not in labels:
            return inputs, labels
        tags = tf.cast(labels[self.task], tf.int32)
        present = inputs["words"] != PADDING
        segments = self._segments(tags, present)
        source = self._draw(segments, seed)
        width = tf.shape(tags)[1]
        index, lengths = _sequence(segments, source, tf.shape(tags)[0], width)
        places = tf.where(tf.sequence_mask(lengths, width))

        def moved(values, padding):
            flat = tf.gather(tf.boolean_mask(values, present), index)
            empty = tf.fill(tf.shape(values), tf.cast(padding, values.dtype))
            return tf.tensor_scatter_nd_update(empty, places, flat)

        inputs = {key: moved(value, PADDING) for key, value in inputs.items()}
        labels = {**labels, self.task: moved(tags, -1)}
        return inputs, labels

    def _segments(self, tags, present):
        """Divides a batch into spans, and single words outside of spans.

        Returns:
            Dict of int32 tensors `(segments,)`: `begin` among all
            words, `length`, `row` (the sentence) and `kind` (0 is no span).
        """
        kinds, inside = _kinds(self.class_names)
        flat = tf.boolean_mask(tags, present)
        rows = tf.cast(tf.where(present)[:, 0], tf.int32)
        flat = tf.maximum(flat, 0)
        kind = tf.gather(kinds, flat)
        continues = (
            tf.gather(inside, flat[1:])
            & (kind[1:] == kind[:-1])
            & (rows[1:] == rows[:-1])
        )
        is_start = tf.concat([[True], ~continues], 0)[: tf.size(flat)]
        begin = tf.cast(tf.where(is_start)[:, 0], tf.int32)
        end = tf.concat([begin[1:], [tf.size(flat)]], 0)[: tf.size(begin)]
        return {
            "begin": begin,
            "length": end - begin,
            "row": tf.gather(rows, begin),
            "kind": tf.gather(kind, begin),
        }

    def _draw(self, segments, seed):
        """Draws the segment that replaces each segment."""
        kind = segments["kind"]
        size = tf.size(kind)
        drawn = tf.random.stateless_uniform((2, size), seed, alg="philox")
        order = tf.argsort(kind, stable=True)
        ordered = tf.gather(kind, order)
        first = tf.searchsorted(ordered, kind, side="left")
        count = tf.searchsorted(ordered, kind, side="right") - first
        picked = first + tf.cast(
            drawn[0] * tf.cast(count, tf.float32), tf.int32
        )
        other = tf.gather(order, tf.minimum(picked, first + count - 1))
        swaps = (kind > 0) & (drawn[1] < self.rate)
        return tf.where(swaps, other, tf.range(size))


@dataclasses.dataclass(frozen=True)
class HideWords:
    """Replaces words by the unknown id; their characters stay.

    Args:
        rate: Float in [0, 1], the fraction of words that is hidden.
    """

    rate: float = 0.1

    def __post_init__(self):
        checks.fraction("rate", self.rate)

    def __call__(self, inputs, labels, seed):
        """Returns the changed `(inputs, labels)`."""
        words = inputs["words"]
        drawn = tf.random.stateless_uniform(tf.shape(words), seed, alg="philox")
        hidden = (drawn < self.rate) & (words != PADDING)
        return {**inputs, "words": tf.where(hidden, UNKNOWN, words)}, labels


def _kinds(class_names):
    """Returns each tag's kind of span, 0 for none, and whether it is `I-`."""
    names = sorted({name[2:] for name in class_names if name[:2] in _MARKS})
    kinds = [
        names.index(name[2:]) + 1 if name[:2] in _MARKS else 0
        for name in class_names
    ]
    inside = [name.startswith("I-") for name in class_names]
    return tf.constant(kinds, tf.int32), tf.constant(inside)


def _sequence(segments, source, num_rows, width):
    """Returns the indices of the new words, and the new row lengths."""
    row = segments["row"]

    def row_lengths(source):
        length = tf.gather(segments["length"], source)
        return length, tf.math.unsorted_segment_sum(length, row, num_rows)

    _, lengths = row_lengths(source)
    fits = tf.gather(lengths <= width, row)
    source = tf.where(fits, source, tf.range(tf.size(source)))
    length, lengths = row_lengths(source)
    begin = tf.gather(segments["begin"], source)
    return tf.ragged.range(begin, begin + length).flat_values, lengths
