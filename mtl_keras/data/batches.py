"""From examples to batches: `(inputs, {task: label}, {task: weight})`."""

import operator
import os

import tensorflow as tf

from mtl_keras.data import buckets, sources, targets

_PREFETCH = 2
_BUFFER_WITHOUT_CACHE = 8192
# Any number but 0: `Dataset.shuffle` mixes TensorFlow's global seed into its
# own, so that two runs with different global seeds would differ in order.
_GRAPH_SEED = 1


def pipeline(
    source,
    tasks,
    *,
    preprocessor=None,
    example=None,
    batch_size: int = 64,
    training: bool = False,
    seed: int = 0,
    epoch=None,
    augment=None,
    cache: bool | str = True,
    drop_remainder: bool = False,
    shuffle_buffer: int | None = None,
    bucket_lengths=None,
) -> tf.data.Dataset:
    """Makes the batches that a `MultiTaskModel` reads.

    The order and the augmentation of an epoch depend on `seed` and `epoch`
    alone (and on `batch_size`), bit by bit: not on what was read before, not
    on the number of threads, not on TensorFlow's global seed. A run that was
    stopped in epoch 7 goes on with the same batches.

    Args:
        source: Pair `(builder, split)` of a prepared TFDS builder and a
            split's name, or a `tf.data.Dataset` of single examples.
        tasks: Sequence of `Task`, or a dict of name to `Task`.
        preprocessor: Function of one example's raw inputs that returns a pair
            `(inputs, context)`, such as `ImagePreprocessor`. A method
            `move_labels(labels, context, tasks)`, if it has one, moves a
            batch's labels along. With a preprocessor, pictures of a TFDS
            builder stay encoded. Defaults to `None`, the raw inputs.
        example: Function of one element of the source that returns a pair
            `(raw inputs, {task: label})`. By default elements are such pairs,
            or dicts in which the tasks' names are the labels.
        batch_size: Integer, examples a batch.
        training: Boolean. Whether examples are shuffled and augmented.
        seed: Integer, the seed of order and augmentation.
        epoch: Integer or scalar int64 tensor, which epoch this is. `None`
            draws a new order at each iteration. Without `training` each epoch
            is the same, in the source's order.
        augment: Function of `(inputs, labels, seed)` over a whole batch that
            returns new `(inputs, labels)`, such as `augment.Compose`; used in
            training only.
        cache: `True` holds the examples in memory as they come from
            `example` (pictures encoded), `"preprocessed"` holds what the
            preprocessor made of them (faster, more memory), `False` reads the
            source in every epoch.
        drop_remainder: Boolean. Whether an uneven last batch is left out.
        shuffle_buffer: Integer, how many examples are shuffled at once.
            Defaults to all of them where they are cached, else to 8192.
        bucket_lengths: Sequence of integers, the lengths that sequences are
            padded to; like lengths come into one batch, and a compiler sees
            few shapes. The preprocessor then gets whole batches; its method
            `length(raw)` says how long an example is. Labels of tokens are
            padded with their missing markers. Defaults to `None`: examples
            all have one shape.

    Returns:
        `tf.data.Dataset` of `(inputs, {task: label}, {task: weight})`. Labels
        keep their missing markers; a weight is a float32 tensor of shape
        `(batch,)`, 0 where the label is missing. `len(dataset)` is the number
        of batches, where the source tells how many examples it has.

    Raises:
        ValueError: If an argument is out of range, the split is unknown, or
            the examples' labels do not fit the tasks.
    """
    _check_arguments(batch_size, cache, shuffle_buffer)
    if bucket_lengths is not None and cache == "preprocessed":
        raise ValueError(
            "With `bucket_lengths` whole batches are preprocessed, so what is "
            "cached is raw: cache=True or False. Received: cache='preprocessed'"
        )
    tasks = tasks.values() if isinstance(tasks, dict) else tasks
    tasks = {task.name: task for task in tasks}
    prepare = _preparation(preprocessor)
    # Made outside of any function that `epochs` traces: a cache made inside
    # it would be a new one, and empty, in every epoch.
    with tf.init_scope():
        items = _read(source, tasks, example, preprocessor)
        if cache == "preprocessed":
            items = _parallel_map(items, prepare)
        items = items.cache() if cache else items
        size = int(items.cardinality())
        steps = _num_batches(size, batch_size, drop_remainder)
        grouped = None
        if bucket_lengths is not None:
            grouped = buckets.Buckets(
                items.element_spec,
                buckets.check(bucket_lengths),
                tasks,
                preprocessor,
            )
            if size != tf.data.UNKNOWN_CARDINALITY:
                steps = grouped.num_batches(items, batch_size, drop_remainder)
    if shuffle_buffer is None:
        shuffle_buffer = (
            tf.data.UNKNOWN_CARDINALITY if cache else _BUFFER_WITHOUT_CACHE
        )

    @tf.autograph.experimental.do_not_convert
    def one_epoch(number):
        """Makes the batches of one epoch, a scalar int64 tensor or None."""
        batches, seeds = items, None
        if number is not None:
            _forget_global_seed()
            seeds = _draw_seeds(seed, number)
            batches = batches.shuffle(
                tf.constant(shuffle_buffer, tf.int64),
                seed=seeds[0],
                reshuffle_each_iteration=False,
            )
        if grouped is not None:
            batches = grouped.batch(batches, batch_size, drop_remainder)
            batches = _parallel_map(batches, grouped.prepare)
        else:
            if cache != "preprocessed":
                batches = _parallel_map(batches, prepare)
            batches = batches.batch(batch_size, drop_remainder=drop_remainder)
        changed = augment if training else None
        finish = _completion(preprocessor, tasks, changed, seeds)
        batches = _parallel_map(batches.enumerate(), finish)
        return batches.prefetch(_PREFETCH)

    if not training:
        dataset = one_epoch(None)
    elif epoch is None:
        numbers = tf.data.Dataset.random(
            seed=seed, rerandomize_each_iteration=True
        )
        dataset = numbers.take(1).flat_map(one_epoch)
    else:
        number = tf.cast(epoch, tf.int64)
        dataset = tf.data.Dataset.from_tensors(number).flat_map(one_epoch)
    if steps is not None:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps))
    return dataset


def epochs(make_epoch, first: int, last: int) -> tf.data.Dataset:
    """Runs through several epochs as through one dataset.

    What the pipeline caches is read from the source once for the whole run,
    and the next epoch is prepared while the last batch of this one trains.

    ```python
    train = epochs(lambda epoch: pipeline(source, tasks, training=True,
                                          seed=1, epoch=epoch), 3, 10)
    model.fit(train, initial_epoch=3, epochs=10, steps_per_epoch=100)
    ```

    Args:
        make_epoch: Function of a scalar int64 tensor, the epoch, that returns
            its dataset. It is called twice, whatever the number of epochs;
            the source must be made outside of it.
        first: Integer, the first epoch.
        last: Integer, the epoch after the last one.

    Returns:
        `tf.data.Dataset` of the batches of epochs `first` to `last - 1`, with
        a known length if one epoch has it.

    Raises:
        ValueError: If `last < first`, or `make_epoch` returns no dataset or
            an endless one.
    """
    first, last = operator.index(first), operator.index(last)
    if not 0 <= first <= last:
        raise ValueError(
            "`epochs` expects 0 <= first <= last. "
            f"Received: first={first}, last={last}"
        )
    one = make_epoch(tf.constant(first, tf.int64))
    if not isinstance(one, tf.data.Dataset):
        raise ValueError(
            "`make_epoch` must return a tf.data.Dataset. "
            f"Received: {one!r} of type {type(one).__name__}"
        )
    size = int(one.cardinality())
    if size == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "`make_epoch` must return a dataset that ends. Received: an "
            "endless one. Leave out `.repeat()`."
        )
    dataset = tf.data.Dataset.range(first, last).flat_map(
        tf.autograph.experimental.do_not_convert(make_epoch)
    )
    if size != tf.data.UNKNOWN_CARDINALITY:
        total = size * (last - first)
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(total))
    return dataset.prefetch(_PREFETCH)


def _read(source, tasks, example, preprocessor):
    items = sources.examples(source, keep_encoded=preprocessor is not None)
    if example is not None:
        items = items.map(
            example, num_parallel_calls=_num_threads(), deterministic=True
        )
    else:

        @tf.autograph.experimental.do_not_convert
        def split(*element):
            element = element[0] if len(element) == 1 else element
            return targets.split_example(element, tasks)

        items = items.map(split)
    targets.check_labels(items.element_spec, tasks)
    return items


def _preparation(preprocessor):
    """Makes the function that turns one raw example into inputs."""

    @tf.autograph.experimental.do_not_convert
    def prepare(raw, labels):
        if preprocessor is None:
            return raw, {}, labels
        made = preprocessor(raw)
        if not (isinstance(made, tuple) and len(made) == 2):
            raise ValueError(
                "A preprocessor must return a pair (inputs, context); the "
                "context is a dict, empty if there is nothing to tell. "
                f"Received: {type(made).__name__}"
            )
        return *made, labels

    return prepare


def _completion(preprocessor, tasks, augment, seeds):
    """Makes the function that gives a batch of prepared examples its end.

    What can be done for a whole batch at once is done here: on small pictures
    each operation costs more to start than to run.
    """

    @tf.autograph.experimental.do_not_convert
    def finish(index, batch):
        inputs, context, labels = batch
        labels = targets.standardize(labels, tasks)
        if hasattr(preprocessor, "move_labels"):
            labels = preprocessor.move_labels(labels, context, tasks)
        if augment is not None:
            seed = tf.stack([seeds[1], index])
            inputs, labels = augment(inputs, labels, seed=seed)
        return inputs, labels, targets.weights(labels, tasks)

    return finish


def _parallel_map(dataset, function):
    return dataset.map(
        function, num_parallel_calls=_num_threads(), deterministic=True
    )


def _num_threads() -> int:
    # Not AUTOTUNE: it takes all cores from the training and memory with them.
    return min(os.cpu_count() or 1, 16)


def _draw_seeds(seed, epoch):
    """Draws an epoch's seeds: one for the order, one for augmentation."""
    key = tf.stack([tf.cast(seed, tf.int64), epoch])
    drawn = tf.random.stateless_uniform(
        (2,), key, minval=None, maxval=None, dtype=tf.int64, alg="philox"
    )
    return tf.unstack(drawn)


def _forget_global_seed():
    """Sets the seed of the function being traced, and of nothing else."""
    if not tf.executing_eagerly():
        tf.random.set_seed(_GRAPH_SEED)


def _num_batches(size, batch_size, drop_remainder):
    if size == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "`source` must be a dataset that ends. Received: an endless one. "
            "Leave out `.repeat()`; `fit(epochs=...)` repeats."
        )
    if size == tf.data.UNKNOWN_CARDINALITY:
        return None
    return size // batch_size if drop_remainder else -(-size // batch_size)


def _check_arguments(batch_size, cache, shuffle_buffer):
    if not _is_positive(batch_size):
        raise ValueError(
            "`batch_size` must be an integer of at least 1. "
            f"Received: batch_size={batch_size!r}"
        )
    if cache not in (True, False, "preprocessed"):
        raise ValueError(
            "`cache` must be True, False or 'preprocessed'. "
            f"Received: cache={cache!r}"
        )
    if not (shuffle_buffer is None or _is_positive(shuffle_buffer)):
        raise ValueError(
            "`shuffle_buffer` must be an integer of at least 1, or None for "
            f"all examples. Received: shuffle_buffer={shuffle_buffer!r}"
        )


def _is_positive(value) -> bool:
    try:
        return operator.index(value) > 0 and not isinstance(value, bool)
    except TypeError:
        return False
