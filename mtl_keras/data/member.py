"""One data set of a mixture: opened, counted, and repeated."""

import tensorflow as tf

from mtl_keras.data import targets

_BUFFER_WITHOUT_CACHE = 8192
# Keeps the seeds of a function's second pass apart from those of its next
# epoch.
_EPOCHS_A_PASS = 1 << 20


class Member:
    """A data set as an endless stream of single examples.

    Args:
        name: String.
        dataset: `tf.data.Dataset` of examples or of weighted batches, or
            a function from an epoch to such a dataset.
        tasks: Dict of name to `Task`, of the mixture.

    Attributes:
        name: String.
        spec: Element spec of an example, a tuple of inputs, labels and,
            where the data set has them, weights.
        size: Integer, the number of examples; `None` before `open`.

    Raises:
        ValueError: If it is not a data set, or endless.
    """

    def __init__(self, name, dataset, tasks):
        self.name = name
        self.size = None
        self._tasks = tasks
        self._make = None
        if callable(dataset) and not isinstance(dataset, tf.data.Dataset):
            self._make = tf.autograph.experimental.do_not_convert(dataset)
            dataset = dataset(tf.constant(0, tf.int64))
        if not isinstance(dataset, tf.data.Dataset):
            raise ValueError(
                f"The data set {name!r} must be a tf.data.Dataset, or a "
                "function from an epoch to one. Received: "
                f"{type(dataset).__name__}"
            )
        if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                f"The data set {name!r} is endless. Remove `.repeat()`; a "
                "mixture repeats its data sets."
            )
        self._is_batched = _is_batched(dataset.element_spec)
        self._dataset = dataset
        self._alignment = None
        self._is_shuffled = False
        self._buffer = None
        self.spec = self._examples(dataset).element_spec

    def open(self, alignment, *, size, shuffle, cache) -> None:
        """Prepares and counts the examples.

        Args:
            alignment: `Alignment` of the mixture.
            size: Integer, the number of examples, or `None`.
            shuffle: Boolean. Whether a dataset of examples is shuffled.
            cache: Boolean. Whether a dataset of examples is cached in memory.

        Raises:
            ValueError: If the data set is empty.
        """
        is_ours = self._make is None and not self._is_batched
        self._is_shuffled = shuffle and is_ours
        self._buffer = _BUFFER_WITHOUT_CACHE
        if is_ours:
            # Before the cache, so that it runs once per example: starting an
            # operation costs more than running it.
            examples = self._examples(self._dataset)
            self._dataset = examples.map(alignment.complete)
            if cache:
                self._dataset = self._dataset.cache()
                self._buffer = tf.data.UNKNOWN_CARDINALITY
        self._alignment = alignment
        self.size = self._count(self._dataset) if size is None else size
        if not self.size > 0:
            raise ValueError(
                f"The data set {self.name!r} is empty. Remove it, or check "
                "its split and filters."
            )

    def endless(self, key, epoch) -> tf.data.Dataset:
        """Repeats the examples.

        Args:
            key: int64 tensor of shape `(2,)`; with `epoch` it determines
                the order of every pass.
            epoch: Scalar int64 tensor, passed to a function of the epoch.

        Returns:
            `tf.data.Dataset` of aligned examples, endless.
        """

        @tf.autograph.experimental.do_not_convert
        def one_pass(number):
            if self._make is not None:
                dataset = self._make(epoch + number * _EPOCHS_A_PASS)
                return self._examples(dataset).map(self._alignment.complete)
            if self._is_batched:
                examples = self._examples(self._dataset)
                return examples.map(self._alignment.complete)
            if not self._is_shuffled:
                return self._dataset
            # The seed of the function being traced: `shuffle` combines it with
            # its own, and TensorFlow's global seed is unknown.
            tf.random.set_seed(1)
            seed = tf.random.stateless_uniform(
                (),
                tf.random.fold_in(key, number),
                minval=None,
                maxval=None,
                dtype=tf.int64,
            )
            return self._dataset.shuffle(
                tf.constant(self._buffer, tf.int64),
                seed=seed,
                reshuffle_each_iteration=False,
            )

        passes = tf.data.Dataset.range(tf.int64.max)
        examples = passes.flat_map(one_pass)
        # After the cache, which need not store the zeros.
        if self._alignment.lacks_inputs(self.spec):
            examples = examples.map(self._alignment.add_inputs)
        return examples

    def _examples(self, dataset):
        if self._is_batched:
            dataset = dataset.unbatch()
        if isinstance(dataset.element_spec, tuple):
            return dataset

        @tf.autograph.experimental.do_not_convert
        def split(element):
            return targets.split_example(element, self._tasks)

        return dataset.map(split)

    def _count(self, dataset) -> int:
        size = int(dataset.cardinality())
        if size == 0:
            return 0
        if size > 0 and not self._is_batched:
            return size

        @tf.autograph.experimental.do_not_convert
        def add(total, *element):
            if not self._is_batched:
                return total + 1
            part = tf.nest.flatten(element)[0]
            return total + tf.shape(part, tf.int64)[0]

        return int(dataset.reduce(tf.constant(0, tf.int64), add))


def _is_batched(spec) -> bool:
    """Recognises a pipeline's batches by the shape of their weights."""
    has_weights = (
        isinstance(spec, tuple) and len(spec) == 3 and isinstance(spec[2], dict)
    )
    return (
        has_weights
        and bool(spec[2])
        and all(weight.shape.rank == 1 for weight in spec[2].values())
    )
