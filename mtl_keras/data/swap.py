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

    The inputs are those of `SentencePreprocessor`, or those of
    `SubwordPreprocessor`, whose words take their sub-words along.

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
        words = (_Subwords if "word_starts" in inputs else _Words)(inputs)
        segments = self._segments(tags, words.present)
        source = self._draw(segments, seed)
        index, lengths = _sequence(segments, source, words)
        width = tf.shape(tags)[1]
        places = tf.where(tf.sequence_mask(lengths, width))
        flat = tf.gather(tf.boolean_mask(tags, words.present), index)
        moved = tf.tensor_scatter_nd_update(
            tf.fill(tf.shape(tags), -1), places, flat
        )
        return words.moved(index, lengths), {**labels, self.task: moved}

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


def _sequence(segments, source, words):
    """Returns the indices of the new words, and the rows' numbers of words.

    A row whose new words would need more room than it has keeps its own.
    """
    row, num_rows = segments["row"], tf.size(words.room)
    # Before each word, the positions of all words before it.
    ends = tf.concat([[0], tf.cumsum(words.sizes)], 0)
    begin = segments["begin"]
    size = tf.gather(ends, begin + segments["length"]) - tf.gather(ends, begin)
    needed = tf.math.unsorted_segment_sum(
        tf.gather(size, source), row, num_rows
    )
    fits = tf.gather(needed <= words.room, row)
    source = tf.where(fits, source, tf.range(tf.size(source)))
    length = tf.gather(segments["length"], source)
    begin = tf.gather(begin, source)
    return (
        tf.ragged.range(begin, begin + length).flat_values,
        tf.math.unsorted_segment_sum(length, row, num_rows),
    )


class _Words:
    """A batch of words, one position each.

    Attributes:
        present: Booleans `(batch, tokens)`, false at the padding.
        sizes: int32 `(words,)`, the positions of each word of the batch.
        room: int32 `(batch,)`, the positions for the words of each sentence.
    """

    def __init__(self, inputs):
        self._inputs = inputs
        self.present = inputs["words"] != PADDING
        rows, width = tf.unstack(tf.shape(self.present))
        self.sizes = tf.ones_like(
            tf.boolean_mask(inputs["words"], self.present)
        )
        self.room = tf.fill([rows], width)

    def moved(self, index, lengths):
        """Returns the inputs of other words.

        Args:
            index: int32, the words of the new sentences, one after another.
            lengths: int32 `(batch,)`, how many of them each sentence has.
        """
        places = tf.where(tf.sequence_mask(lengths, tf.shape(self.present)[1]))
        return {
            key: tf.tensor_scatter_nd_update(
                tf.zeros_like(value),
                places,
                tf.gather(tf.boolean_mask(value, self.present), index),
            )
            for key, value in self._inputs.items()
        }


class _Subwords:
    """A batch of sub-words; attributes and methods as of `_Words`.

    A word has its sub-words up to those of the next word. The marker and the
    characters before the first word stay, and so does the end marker.
    """

    def __init__(self, inputs):
        self._inputs = inputs
        starts, mask = inputs["word_starts"], inputs["padding_mask"]
        self.present = starts > 0
        self._shape = rows, width = tf.unstack(tf.shape(starts))
        last = tf.reduce_sum(mask, 1) - 1
        count = tf.reduce_sum(tf.cast(self.present, tf.int32), 1)
        flat = tf.RaggedTensor.from_row_lengths(
            tf.boolean_mask(starts, self.present), count
        )
        offset = tf.range(rows)[:, None] * width
        cuts = tf.concat([flat, last[:, None]], 1)
        sizes = cuts[:, 1:] - cuts[:, :-1]
        self.sizes = sizes.flat_values
        first = cuts[:, :1].flat_values
        self.room = width - first - 1
        self._begins = (flat + offset).flat_values
        # What stays: positions and sizes of each sentence's two ends.
        self._head = offset, first[:, None]
        self._tail = last[:, None] + offset, tf.ones_like(last)[:, None]

    def moved(self, index, lengths):
        """Returns the inputs of other words."""

        def pieces(kept, words):
            words = tf.RaggedTensor.from_row_lengths(
                tf.gather(words, index), lengths
            )
            return tf.concat([kept[0], words, kept[1]], 1)

        begins = pieces((self._head[0], self._tail[0]), self._begins)
        sizes = pieces((self._head[1], self._tail[1]), self.sizes)
        places = tf.ragged.range(
            begins.flat_values, begins.flat_values + sizes.flat_values
        ).flat_values
        total = tf.reduce_sum(sizes, 1)
        ids = tf.gather(tf.reshape(self._inputs["token_ids"], [-1]), places)
        # Where each piece begins in its new sentence.
        starts = tf.cumsum(sizes.flat_values, exclusive=True)
        starts = sizes.with_values(starts)
        starts = (starts - starts[:, :1].flat_values[:, None])[:, 1:-1]

        def padded(values):
            return values.to_tensor(0, shape=self._shape)

        return {
            "token_ids": padded(tf.RaggedTensor.from_row_lengths(ids, total)),
            "padding_mask": tf.sequence_mask(
                total, self._shape[1], dtype=tf.int32
            ),
            "word_starts": padded(starts),
        }
