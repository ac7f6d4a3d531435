"""Joins epochs into one dataset, whose cache is filled once."""

import operator

import tensorflow as tf

# Set on datasets whose further epochs take little memory.
IN_MEMORY = "examples_are_in_memory"
_PREFETCH = 2


def epochs(make_epoch, first: int, last: int) -> tf.data.Dataset:
    """Joins several epochs into one dataset.

    The pipeline's cache is filled once for the whole run. From then on the
    first batches of the next two epochs are made while one trains; without a
    cache the next epoch starts while the last batch of this one trains.

    ```python
    train = epochs(lambda epoch: pipeline(source, tasks, training=True,
                                          seed=1, epoch=epoch), 3, 10)
    model.fit(train, initial_epoch=3, epochs=10, steps_per_epoch=100)
    ```

    Args:
        make_epoch: Function of a scalar int64 tensor, the epoch, that returns
            its dataset. It is called once, for any number of epochs; the
            source must be created outside of it.
        first: Integer, the first epoch.
        last: Integer, the epoch after the last one.

    Returns:
        `tf.data.Dataset` of the batches of epochs `first` to `last - 1`, with
        a known length if one epoch has a known length.

    Raises:
        ValueError: If `last < first`, or `make_epoch` does not return a finite
            dataset.
    """
    first, last = operator.index(first), operator.index(last)
    if not 0 <= first <= last:
        raise ValueError(
            "`epochs` expects 0 <= first <= last. "
            f"Received: first={first}, last={last}"
        )
    make_epoch, is_in_memory = _traced(make_epoch)
    size = int(make_epoch(tf.constant(first, tf.int64)).cardinality())
    if size == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "`make_epoch` must return a finite dataset. Received: an endless "
            "one. Remove `.repeat()`."
        )
    numbers = tf.data.Dataset.range(first, last)
    if is_in_memory:
        # The next epochs start while this one trains: shuffling the numbers of
        # 70,000 rows of a table takes as long as 20 steps of training, and the
        # first batch of images as long as one or two. Not before the first one
        # has ended: each would read the source for the cache.
        dataset = numbers.take(1).flat_map(make_epoch)
        rest = numbers.skip(1).interleave(
            make_epoch, cycle_length=1, num_parallel_calls=1, deterministic=True
        )
        dataset = dataset.concatenate(rest)
    else:
        dataset = numbers.flat_map(make_epoch)
    if size != tf.data.UNKNOWN_CARDINALITY:
        total = size * (last - first)
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(total))
    dataset = dataset.prefetch(_PREFETCH)
    return untuned(dataset) if is_in_memory else dataset


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Turns off the measuring of each element, for which nothing is tuned.

    It doubles the time that shuffling the numbers of rows takes.

    Args:
        dataset: `tf.data.Dataset`.

    Returns:
        `tf.data.Dataset`.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def _traced(make_epoch):
    """Calls a function of an epoch once, and returns it as a graph.

    Returns:
        Function of a scalar int64 tensor that returns a dataset; all of them
        read one cache. And a boolean, whether further epochs take little
        memory.
    """
    made = []

    @tf.function(input_signature=[tf.TensorSpec((), tf.int64)], autograph=False)
    def make(number):
        dataset = make_epoch(number)
        if not isinstance(dataset, tf.data.Dataset):
            raise ValueError(
                "`make_epoch` must return a tf.data.Dataset. "
                f"Received: {dataset!r} of type {type(dataset).__name__}"
            )
        made.append(dataset)
        return tf.data.experimental.to_variant(dataset)

    graph = make.get_concrete_function()
    (dataset,) = made
    spec = dataset.element_spec

    @tf.autograph.experimental.do_not_convert
    def traced(number):
        return tf.data.experimental.from_variant(graph(number), spec)

    return traced, getattr(dataset, IN_MEMORY, False)
