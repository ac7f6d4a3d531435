"""Batches sequences of similar length, in a bounded number of shapes."""

import operator

import numpy as np
import tensorflow as tf

# Examples whose lengths are counted at once.
_ROWS = 1024


def check(lengths) -> tuple[int, ...]:
    """Checks the argument `bucket_lengths` of a pipeline.

    Args:
        lengths: Sequence of increasing integers, at least 1.

    Returns:
        Tuple of integers.

    Raises:
        ValueError: If they are anything else.
    """
    try:
        whole = tuple(operator.index(length) for length in lengths)
    except TypeError:
        whole = ()
    if not whole or whole[0] < 1 or list(whole) != sorted(set(whole)):
        raise ValueError(
            "`bucket_lengths` must be increasing integers of at least 1, "
            f"such as (8, 16, 32). Received: bucket_lengths={lengths!r}"
        )
    return whole


class Buckets:
    """Batches examples of similar length, padded to few lengths.

    An example is padded to the next of `lengths`, or beyond the last of them to
    a multiple of it.

    Args:
        spec: Element spec of a dataset of `(raw inputs, labels)`, single
            examples.
        lengths: Sequence of integers, as `check` returns.
        tasks: Dict of name to `Task`; a label is padded with its missing
            marker.
        preprocessor: Function of a batch's raw inputs, or `None`. Its method
            `length(raw)`, if it has one, returns the length of an example,
            and with the attribute `converts_batches` also those of a batch;
            otherwise this is the size of the first axis of unknown size among
            the raw inputs.

    Raises:
        ValueError: If the length of an example is unknown, or a tensor has an
            axis of unknown size other than the first.
    """

    def __init__(self, spec, lengths, tasks, preprocessor=None):
        self._spec, self._lengths = spec, tuple(lengths)
        self._preprocessor = preprocessor
        own = getattr(preprocessor, "length", None)
        self._measure = own or _first_axis(spec[0])
        self._measures_batches = (
            own is not None
            and getattr(preprocessor, "converts_batches", False)
            and all(
                part.shape.is_fully_defined()
                for part in tf.nest.flatten(spec[0])
            )
        )
        if any(
            part.shape.rank is None or None in part.shape[1:]
            for part in tf.nest.flatten(spec)
        ):
            raise ValueError(
                "`bucket_lengths` pads the first axis of examples; all other "
                f"sizes must be known. Received: {spec}"
            )
        raw, labels = spec
        self._padding = (
            tf.nest.map_structure(lambda part: _filler(part, 0), raw),
            {
                name: _filler(part, _marker(tasks[name]))
                for name, part in labels.items()
            },
        )

    def batch(self, items, batch_size: int, drop_remainder: bool):
        """Batches a dataset.

        Args:
            items: `tf.data.Dataset` of the spec.
            batch_size: Integer.
            drop_remainder: Boolean. Whether batches that are not full, up
                to one for each length, are dropped.

        Returns:
            `tf.data.Dataset` of batches `(length, raw inputs, labels)`, the
            length being an int64 scalar. A batch comes as soon as it is full;
            those that are not full come last.
        """

        def pad(length, window):
            shapes = tf.nest.map_structure(
                lambda part: _padded(part, length), self._spec
            )
            padded = window.padded_batch(
                batch_size, shapes, self._padding, drop_remainder
            )
            return padded.map(lambda raw, labels: (length, raw, labels))

        return items.group_by_window(self._length, pad, batch_size)

    @tf.autograph.experimental.do_not_convert
    def prepare(self, length, raw, labels):
        """Makes a batch's inputs, padded to the bucket's length.

        Args:
            length: int64 scalar tensor.
            raw: The batch's raw inputs.
            labels: Dict of task name to tensor.

        Returns:
            Tuple of inputs, context and labels.
        """
        raw, labels = tf.nest.map_structure(
            lambda part, tensor: tf.ensure_shape(tensor, (None, *part.shape)),
            self._spec,
            (raw, labels),
        )
        if self._preprocessor is None:
            return raw, {}, labels
        inputs, context = self._preprocessor(raw)
        inputs = tf.nest.map_structure(
            lambda tensor: _lengthened(tensor, length), inputs
        )
        return inputs, context, labels

    def lengths(self, items) -> np.ndarray:
        """Reads the length that each example is padded to.

        Args:
            items: `tf.data.Dataset` of the spec.

        Returns:
            Array of int64.
        """
        raw = items.map(lambda raw, labels: raw)
        if not self._measures_batches:
            lengths = raw.map(self._padded_length).as_numpy_iterator()
            return np.fromiter(lengths, np.int64)
        # One by one, counting the words of 10,000 sentences takes seconds.
        lengths = raw.batch(_ROWS).map(self._padded_length).as_numpy_iterator()
        return np.concatenate([np.zeros(0, np.int64), *lengths])

    @tf.autograph.experimental.do_not_convert
    def _length(self, raw, labels):
        return self._padded_length(raw)

    @tf.autograph.experimental.do_not_convert
    def _padded_length(self, raw):
        """Returns the int64 lengths that examples are padded to."""
        size = tf.cast(self._measure(raw), tf.int64)
        lengths = tf.constant(self._lengths, tf.int64)
        index = tf.searchsorted(lengths, tf.reshape(size, (-1,)), side="left")
        index = tf.reshape(index, tf.shape(size))
        last = self._lengths[-1]
        beyond = -(-size // last) * last
        fitting = tf.gather(lengths, tf.minimum(index, len(self._lengths) - 1))
        return tf.where(index < len(self._lengths), fitting, beyond)


def num_batches(lengths, batch_size: int, drop_remainder: bool) -> int:
    """Counts the batches of examples of these lengths.

    Args:
        lengths: Array of integers.
        batch_size: Integer.
        drop_remainder: Boolean.

    Returns:
        Integer.
    """
    _, counts = np.unique(lengths, return_counts=True)
    if drop_remainder:
        return int((counts // batch_size).sum())
    return int((-(-counts // batch_size)).sum())


def _first_axis(spec):
    """Returns the function that reads an example's length."""
    flat = tf.nest.flatten(spec)
    index = next((i for i, part in enumerate(flat) if _is_sequence(part)), None)
    if index is None:
        raise ValueError(
            "`bucket_lengths` needs raw inputs with a first axis of unknown "
            "size, or a preprocessor with a method `length(raw)`. "
            f"Received: {spec}"
        )
    return lambda raw: tf.shape(tf.nest.flatten(raw)[index], tf.int64)[0]


def _is_sequence(part) -> bool:
    return part.shape.rank not in (None, 0) and part.shape[0] is None


def _padded(part, length):
    sizes = [tf.constant(size or 0, tf.int64) for size in part.shape]
    if _is_sequence(part):
        sizes[0] = tf.cast(length, tf.int64)
    return tf.stack(sizes) if sizes else tf.zeros((0,), tf.int64)


def _lengthened(tensor, length):
    """Pads the second axis of a batch if its size is not known."""
    if tensor.shape.rank in (None, 1) or tensor.shape[1] is not None:
        return tensor
    missing = tf.cast(length, tf.int32) - tf.shape(tensor)[1]
    rest = [[0, 0]] * (tensor.shape.rank - 2)
    return tf.pad(tensor, [[0, 0], [0, missing], *rest])


def _filler(part, value):
    if part.dtype == tf.string:
        return tf.constant("")
    return tf.constant(value, part.dtype)


def _marker(task):
    missing = task.label.missing
    return float("nan") if missing == "nan" else missing
