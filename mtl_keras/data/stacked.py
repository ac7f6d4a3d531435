"""Examples stacked in memory, of which batches are gathered by number."""

import math

import tensorflow as tf

# Examples that take more memory once converted stay as they were read.
_MOST_BYTES = 1 << 28
# Not all at once, whose number must be known before.
_ROWS = 4096
# Gathered at once, so that starting an operation costs little of a step.
_CHUNK_BYTES = 1 << 22
_CHUNK_BATCHES = 32


def fits(items, preprocessor) -> bool:
    """Tells whether examples can be stacked, and whether it pays.

    It pays for a preprocessor that converts a whole batch of small examples
    at once, which its attribute `converts_batches` says: batching 256 rows of
    14 columns one by one takes longer than a step of training.

    Args:
        items: `tf.data.Dataset` of examples.
        preprocessor: As for `pipeline`.

    Returns:
        Boolean.
    """
    if not getattr(preprocessor, "converts_batches", False):
        return False
    specs = tf.nest.flatten(items.element_spec)
    return all(
        isinstance(spec, tf.TensorSpec) and spec.shape.is_fully_defined()
        for spec in specs
    )


def is_small(examples) -> bool:
    """Tells whether all examples of a dataset take at most 256 MiB.

    Args:
        examples: `tf.data.Dataset` of examples.

    Returns:
        Boolean, false where their number or a size is unknown.
    """
    size = int(examples.cardinality())
    return size >= 0 and are_small([(examples.element_spec, size)])


def are_small(counts) -> bool:
    """Tells whether examples of several specs take at most 256 MiB.

    Args:
        counts: Iterable of pairs: the spec of an example, and their number.

    Returns:
        Boolean, false where a size is unknown.
    """
    total = sum(int(count) * _num_bytes(spec) for spec, count in counts)
    return total <= _MOST_BYTES


class Stacked:
    """All examples of a dataset, stacked.

    They are converted once, when they are read, if all of them take at most
    256 MiB then; otherwise batch by batch, in every epoch.

    Args:
        items: `tf.data.Dataset` of examples of one shape, which is read now.
        convert: Function of a batch of examples that returns the batch to
            train on; of each row it makes one, independent of the others.
    """

    def __init__(self, items, convert):
        tensors = _concatenated(items.batch(_ROWS))
        self._size = len(tf.nest.flatten(tensors)[0])
        batches = tf.data.Dataset.from_tensor_slices(tensors).batch(_ROWS)
        converted = batches.map(convert)
        self._row_bytes = _num_bytes(converted.unbatch().element_spec)
        if self._size * self._row_bytes <= _MOST_BYTES:
            self._tensors, self._convert = _concatenated(converted), None
        else:
            self._tensors, self._convert = tensors, convert

    def numbers(self) -> tf.data.Dataset:
        """Returns a dataset of the examples' numbers, in order."""
        return tf.data.Dataset.range(self._size)

    def batch(self, numbers, batch_size: int, drop_remainder: bool):
        """Gathers batches.

        Args:
            numbers: `tf.data.Dataset` of int64 scalars.
            batch_size: Integer.
            drop_remainder: Boolean. Whether an uneven last batch is dropped.

        Returns:
            `tf.data.Dataset` of what `convert` returns of these examples.
        """
        num_batches = _CHUNK_BYTES // (1 + batch_size * self._row_bytes)
        num_batches = int(min(max(num_batches, 1), _CHUNK_BATCHES))
        chunks = numbers.batch(batch_size * num_batches).map(
            self._gather, num_parallel_calls=2, deterministic=True
        )
        return chunks.rebatch(batch_size, drop_remainder=drop_remainder)

    @tf.autograph.experimental.do_not_convert
    def _gather(self, numbers):
        gathered = tf.nest.map_structure(
            lambda tensor: tf.gather(tensor, numbers), self._tensors
        )
        return self._convert(*gathered) if self._convert else gathered


def _concatenated(batches):
    """Joins the batches of a dataset, which may have none."""
    spec = batches.element_spec
    empty = [
        tf.zeros((0, *part.shape[1:]), part.dtype)
        for part in tf.nest.flatten(spec)
    ]
    parts = [empty, *(tf.nest.flatten(batch) for batch in batches)]
    joined = [tf.concat(tensors, 0) for tensors in zip(*parts, strict=True)]
    return tf.nest.pack_sequence_as(spec, joined)


def _num_bytes(spec) -> float:
    """Returns the bytes of an example; infinite if they are unknown."""
    total = 0
    for part in tf.nest.flatten(spec):
        if (
            not isinstance(part, tf.TensorSpec)
            or not part.shape.is_fully_defined()
            or part.dtype == tf.string
        ):
            return math.inf
        total += math.prod(part.shape) * part.dtype.size
    return total
