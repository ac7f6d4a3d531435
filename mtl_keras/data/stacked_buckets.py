"""Sequences converted once and stacked by length, gathered by number."""

import numpy as np
import tensorflow as tf

from mtl_keras.data import stacked

# Not all at once: converting text takes many times its memory.
_ROWS = 1024


class StackedBuckets:
    """All sequences of a dataset, padded to the lengths of their buckets.

    Args:
        converted: `tf.data.Dataset` of pairs: a length, and a batch to train on
            whose sequences are padded to it. It is read now. Sequences of one
            length come in their order.
        lengths: Array of integers, the length that each example is padded to.
    """

    def __init__(self, converted, lengths):
        values, self._buckets = np.unique(lengths, return_inverse=True)
        self._rows = np.zeros(len(lengths), np.int64)
        for bucket in range(len(values)):
            (numbers,) = np.nonzero(self._buckets == bucket)
            self._rows[numbers] = np.arange(len(numbers))
        self._spec = converted.element_spec[1]
        parts = {int(length): [] for length in values}
        for length, batch in converted:
            parts[int(length)].append(tf.nest.flatten(batch))
        self._tables = [
            [tf.concat(tensors, 0) for tensors in zip(*batches, strict=True)]
            for batches in parts.values()
        ]

    def numbers(self) -> tf.data.Dataset:
        """Returns a dataset of the examples' numbers, in order."""
        return tf.data.Dataset.range(len(self._rows))

    def batch(self, numbers, batch_size: int, drop_remainder: bool):
        """Gathers batches of examples of similar length.

        Args:
            numbers: `tf.data.Dataset` of int64 scalars.
            batch_size: Integer.
            drop_remainder: Boolean. Whether batches that are not full are
                dropped.

        Returns:
            `tf.data.Dataset` of the batches of these examples, in the order
            of `buckets.Buckets.batch`.
        """
        buckets = tf.constant(self._buckets, tf.int64)
        rows = tf.constant(self._rows)

        def gather(bucket, numbers):
            numbers = tf.gather(rows, numbers)
            tensors = tf.switch_case(
                tf.cast(bucket, tf.int32),
                [
                    lambda table=table: [tf.gather(t, numbers) for t in table]
                    for table in self._tables
                ],
            )
            return tf.nest.map_structure(
                lambda spec, tensor: tf.ensure_shape(tensor, spec.shape),
                self._spec,
                tf.nest.pack_sequence_as(self._spec, tensors),
            )

        windows = numbers.group_by_window(
            lambda number: tf.gather(buckets, number),
            lambda bucket, window: window.batch(batch_size, drop_remainder).map(
                lambda numbers: (bucket, numbers)
            ),
            batch_size,
        )
        return windows.map(
            tf.autograph.experimental.do_not_convert(gather),
            num_parallel_calls=2,
            deterministic=True,
        )


def stack(items, lengths, grouped, complete, preprocessor):
    """Converts and stacks sequences, if they take at most 256 MiB then.

    Args:
        items: `tf.data.Dataset` of `(raw inputs, labels)`.
        lengths: Array of integers, the length that each example is padded to.
        grouped: `buckets.Buckets` of these examples.
        complete: Function of a batch's inputs, context and labels that returns
            the batch to train on.
        preprocessor: That of `pipeline`, or `None`. It must convert each
            example of a batch for itself, which its attribute
            `converts_batches` says.

    Returns:
        `StackedBuckets`, or `None` for sequences that stay as they were read.
    """
    is_by_row = preprocessor is None or getattr(
        preprocessor, "converts_batches", False
    )
    if not is_by_row or not len(lengths):
        return None
    converted = _converted(items, grouped, complete)
    spec = converted.element_spec[1]
    values, counts = np.unique(lengths, return_counts=True)
    is_small = stacked.are_small(
        (_of_length(spec, value), num)
        for value, num in zip(values, counts, strict=True)
    )
    return StackedBuckets(converted, lengths) if is_small else None


def _converted(items, grouped, complete):
    """Makes the batches to train on, each with its length, in order."""

    @tf.autograph.experimental.do_not_convert
    def convert(length, raw, labels):
        return length, complete(*grouped.prepare(length, raw, labels))

    return grouped.batch(items, _ROWS, False).map(convert)


def _of_length(spec, length) -> list:
    """Describes one example of a batch's spec, padded to a length."""
    parts = []
    for part in tf.nest.flatten(spec):
        if not isinstance(part, tf.TensorSpec) or part.shape.rank is None:
            parts.append(part)
            continue
        sizes = part.shape.as_list()[1:]
        if sizes and sizes[0] is None:
            sizes[0] = int(length)
        parts.append(tf.TensorSpec(sizes, part.dtype))
    return parts
