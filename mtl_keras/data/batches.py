"""Makes batches of examples: `(inputs, {task: label}, {task: weight})`."""

import os

import tensorflow as tf

from mtl_keras import checks
from mtl_keras.data import (
    buckets,
    joined_epochs,
    sources,
    stacked,
    stacked_buckets,
    targets,
)

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
    """Makes batches for a `MultiTaskModel`.

    The order and the augmentation of an epoch depend only on `seed`, `epoch`
    and `batch_size`, bitwise: not on what was read before, the number of
    threads or TensorFlow's global seed. A run that was stopped in epoch 7
    resumes with the same batches.

    Args:
        source: Pair `(builder, split)` of a prepared TFDS builder and a
            split's name, or a `tf.data.Dataset` of single examples.
        tasks: Sequence of `Task`, or a dict of name to `Task`.
        preprocessor: Function of one example's raw inputs that returns a pair
            `(inputs, context)`, such as `ImagePreprocessor`. A method
            `move_labels(labels, context, tasks)`, if it has one, converts the
            labels of a batch, and `place_labels` those of an example whose
            shape is not yet that of the others, such as masks. With a
            preprocessor, images of a TFDS builder stay encoded. Defaults to
            `None`, the raw inputs.
        example: Function of one element of the source that returns a pair
            `(raw inputs, {task: label})`. By default elements are such pairs,
            or dicts whose task names hold the labels.
        batch_size: Integer, examples per batch.
        training: Boolean. Whether examples are shuffled and augmented.
        seed: Integer, the seed of order and augmentation.
        epoch: Integer or scalar int64 tensor, the number of the epoch.
            `None` draws a new order at each iteration. Without `training` all
            epochs are the same, in the source's order.
        augment: Function of `(inputs, labels, seed)` over a whole batch that
            returns new `(inputs, labels)`, such as `augment.Compose`; used
            only in training.
        cache: `True` keeps the examples in memory: after the preprocessor if
            all of them take at most 256 MiB then, else as returned by
            `example` (images encoded). With `bucket_lengths` they are kept
            after the preprocessor where its attribute `converts_batches` is
            true, which says that each row of a batch depends on itself alone.
            `"preprocessed"` keeps them after the preprocessor, whatever memory
            that takes; `False` reads the source in every epoch.
        drop_remainder: Boolean. Whether an uneven last batch is dropped.
        shuffle_buffer: Integer, size of the shuffle buffer. Defaults to
            all examples if they are cached, else to 8192.
        bucket_lengths: Sequence of integers, the lengths that sequences are
            padded to: a batch has examples of similar length, and a compiler
            sees few shapes. The preprocessor then gets whole batches; its
            method `length(raw)` returns the length of an example. Labels of
            tokens are padded with their missing markers. Defaults to `None`:
            all examples have one shape.

    Returns:
        `tf.data.Dataset` of `(inputs, {task: label}, {task: weight})`. Labels
        keep their missing markers; a weight is a float32 tensor of shape
        `(batch,)`, 0 where the label is missing. `len(dataset)` is the number
        of batches, if the source has a known length.

    Raises:
        ValueError: If an argument is out of range, the split is unknown, or
            the examples' labels do not fit the tasks.
    """
    checks.integer("batch_size", batch_size, low=1)
    if cache not in (True, False, "preprocessed"):
        raise ValueError(
            "`cache` must be True, False or 'preprocessed'. "
            f"Received: cache={cache!r}"
        )
    if shuffle_buffer is not None:
        checks.integer("shuffle_buffer", shuffle_buffer, low=1)
    if bucket_lengths is not None and cache == "preprocessed":
        raise ValueError(
            "With `bucket_lengths` whole batches are preprocessed, so only raw "
            "examples can be cached: cache=True or False. "
            "Received: cache='preprocessed'"
        )
    tasks = tasks.values() if isinstance(tasks, dict) else tasks
    tasks = {task.name: task for task in tasks}
    prepare = _preparation(preprocessor, tasks)
    complete = _completion(preprocessor, tasks)
    # Outside of any function that `epochs` traces: a cache created inside
    # would be a new, empty one in every epoch.
    with tf.init_scope():
        items = _read(source, tasks, example, preprocessor)
        if cache == "preprocessed":
            items = _parallel_map(items, prepare)
        stack = None
        keeps_rows = cache is True and bucket_lengths is None
        if keeps_rows and stacked.fits(items, preprocessor):
            stack = stacked.Stacked(
                items, lambda *example: complete(*prepare(*example))
            )
            items = stack.numbers()
        elif cache:
            if keeps_rows:
                prepared = _parallel_map(items, prepare)
                if stacked.is_small(prepared):
                    items, cache = prepared, "preprocessed"
            items = items.cache()
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
                lengths = grouped.lengths(items)
                steps = buckets.num_batches(lengths, batch_size, drop_remainder)
                if cache:
                    stack = stacked_buckets.stack(
                        items, lengths, grouped, complete, preprocessor
                    )
                    items = stack.numbers() if stack else items
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
        if stack is not None:
            batches = stack.batch(batches, batch_size, drop_remainder)
        elif grouped is not None:
            batches = grouped.batch(batches, batch_size, drop_remainder)
            batches = _parallel_map(batches, grouped.prepare)
        else:
            if cache != "preprocessed":
                batches = _parallel_map(batches, prepare)
            batches = batches.batch(batch_size, drop_remainder=drop_remainder)
        if stack is None:
            batches = _parallel_map(batches, complete)
        if training and augment is not None:
            change = _augmentation(augment, tasks, seeds)
            batches = _parallel_map(batches.enumerate(), change)
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
    if cache:
        dataset = joined_epochs.untuned(dataset)
        setattr(dataset, joined_epochs.IN_MEMORY, True)
    return dataset


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


def _preparation(preprocessor, tasks):
    """Returns the function that converts one raw example to inputs."""

    @tf.autograph.experimental.do_not_convert
    def prepare(raw, labels):
        if preprocessor is None:
            return raw, {}, labels
        prepared = preprocessor(raw)
        if not (isinstance(prepared, tuple) and len(prepared) == 2):
            raise ValueError(
                "A preprocessor must return a pair (inputs, context); the "
                "context is a dict, which may be empty. "
                f"Received: {type(prepared).__name__}"
            )
        if hasattr(preprocessor, "place_labels"):
            labels = preprocessor.place_labels(labels, prepared[1], tasks)
        return *prepared, labels

    return prepare


def _completion(preprocessor, tasks):
    """Returns the function that completes a batch of prepared examples.

    It works on whole batches: on small images starting an operation costs more
    than running it.
    """

    @tf.autograph.experimental.do_not_convert
    def complete(inputs, context, labels):
        labels = targets.standardize(labels, tasks)
        if hasattr(preprocessor, "move_labels"):
            labels = preprocessor.move_labels(labels, context, tasks)
        return inputs, labels, targets.weights(labels, tasks)

    return complete


def _augmentation(augment, tasks, seeds):
    """Returns the function that changes a complete batch at random."""

    @tf.autograph.experimental.do_not_convert
    def change(index, batch):
        inputs, labels, _ = batch
        seed = tf.stack([seeds[1], index])
        inputs, labels = augment(inputs, labels, seed=seed)
        return inputs, labels, targets.weights(labels, tasks)

    return change


def _parallel_map(dataset, function):
    return dataset.map(
        function, num_parallel_calls=_num_threads(), deterministic=True
    )


def _num_threads() -> int:
    # Not AUTOTUNE, which competes with training for all cores and for memory.
    return min(os.cpu_count() or 1, 16)


def _draw_seeds(seed, epoch):
    """Draws an epoch's seeds: one for the order, one for augmentation."""
    key = tf.stack([tf.cast(seed, tf.int64), epoch])
    drawn = tf.random.stateless_uniform(
        (2,), key, minval=None, maxval=None, dtype=tf.int64, alg="philox"
    )
    return tf.unstack(drawn)


def _forget_global_seed():
    """Sets the seed of the function being traced only."""
    if not tf.executing_eagerly():
        tf.random.set_seed(_GRAPH_SEED)


def _num_batches(size, batch_size, drop_remainder):
    if size == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "`source` must be a finite dataset. Received: an endless one. "
            "Remove `.repeat()`; `fit(epochs=...)` repeats."
        )
    if size == tf.data.UNKNOWN_CARDINALITY:
        return None
    return size // batch_size if drop_remainder else -(-size // batch_size)
