"""Splits a source of examples into `tf.data.Dataset`s."""

import numpy as np
import tensorflow as tf

from mtl_keras.data import sources, splits, targets
from mtl_keras.messages import unknown


def hold_out(
    source,
    tasks,
    shares: dict | None = None,
    *,
    stratify=True,
    groups=None,
    example=None,
    num_bins: int = 4,
    seed: int = 0,
) -> dict:
    """Divides a source of examples into named datasets.

    ```python
    parts = data.hold_out((x, labels), tasks, {"train": 0.9, "test": 0.1})
    train = data.pipeline(parts["train"], tasks, training=True)
    ```

    Args:
        source: `tf.data.Dataset` of single examples in a fixed order; a pair
            `(TFDS builder, split)`, whose images stay encoded; or arrays of
            one length, as a dict or as a pair `(inputs, {task:
            label})`.
        tasks: Sequence of `Task`, or a dict of name to `Task`.
        shares: As for `splits.hold_out`.
        stratify: `True` for all tasks, `False` for none, or a sequence of
            their names.
        groups: Array of one value per example, the key of an example that
            holds it, or a function of an example that returns it. No group is
            in two parts. Defaults to `None`.
        example: As for `pipeline`: function of an element of the source that
            returns `(raw inputs, {task: label})`. Used to read the labels;
            the parts hold the source's own elements.
        num_bins: As for `splits.strata`.
        seed: Integer, not negative.

    Returns:
        Dict of part name to `tf.data.Dataset` of single examples of known
        length, in the source's order.

    Raises:
        ValueError: If an argument is out of range, the source is empty or its
            labels do not fit the tasks.
    """
    items = _open(source)
    size, about = _facts(items, tasks, stratify, groups, example, num_bins)
    parts = splits.hold_out(size, shares, **about, seed=seed)
    return select(items, parts)


def folds(
    source,
    tasks,
    num_folds: int = 5,
    *,
    stratify=True,
    groups=None,
    validation: float = 0.0,
    example=None,
    num_bins: int = 4,
    seed: int = 0,
) -> list[dict]:
    """Divides a source of examples for cross-validation.

    Args:
        source: As for `hold_out`.
        tasks: As for `hold_out`.
        num_folds: Integer of at least 2.
        stratify: As for `hold_out`.
        groups: As for `hold_out`; no group is in two folds.
        validation: As for `splits.folds`.
        example: As for `hold_out`.
        num_bins: As for `splits.strata`.
        seed: Integer, not negative.

    Returns:
        List of `num_folds` dicts of part name (`"train"`, `"validation"` if
        requested, `"test"`) to `tf.data.Dataset` of single examples.

    Raises:
        ValueError: As for `hold_out`.
    """
    items = _open(source)
    size, about = _facts(items, tasks, stratify, groups, example, num_bins)
    indices = splits.folds(
        size, num_folds, **about, validation=validation, seed=seed
    )
    return [select(items, parts) for parts in indices]


def select(source, parts: dict) -> dict:
    """Makes datasets of the examples with the given indices.

    Args:
        source: As for `hold_out`.
        parts: Dict of part name to array of examples' indices, as returned by
            `splits.hold_out`.

    Returns:
        Dict of part name to `tf.data.Dataset` of single examples, in the
        source's order.

    Raises:
        ValueError: If an index is out of range.
    """
    items = _open(source)
    size = int(items.cardinality())
    datasets = {}
    for name, numbers in parts.items():
        numbers = np.sort(np.asarray(numbers, np.int64))
        last = int(numbers.max(initial=-1))
        if numbers.min(initial=0) < 0 or 0 <= size <= last:
            raise ValueError(
                f"The part {name!r} must hold indices of examples from 0 to "
                f"{size - 1 if size >= 0 else 'the last'}. Received: indices "
                f"from {numbers.min()} to {last}"
            )
        datasets[name] = _filtered(items, numbers, last)
    return datasets


def _filtered(items, numbers, last):
    wanted = np.zeros(last + 2, bool)
    wanted[numbers] = True

    @tf.autograph.experimental.do_not_convert
    def is_wanted(number, _):
        # The last entry stands for all examples after the last wanted one.
        return tf.gather(wanted, tf.minimum(number, last + 1))

    return (
        items.enumerate()
        .filter(is_wanted)
        .map(lambda _, element: element)
        .apply(tf.data.experimental.assert_cardinality(len(numbers)))
    )


def _open(source):
    """Opens a source as a dataset of single examples."""
    is_pair = isinstance(source, tuple | list) and len(source) == 2
    if isinstance(source, tf.data.Dataset) or (
        is_pair and hasattr(source[0], "as_dataset")
    ):
        return sources.examples(source)
    if not (is_pair or isinstance(source, dict)):
        raise ValueError(
            "`source` must be a tf.data.Dataset of single examples, a pair "
            "(TFDS builder, split), a pair (inputs, {task: label}) of arrays, "
            f"or a dict of arrays. Received: a {type(source).__name__}"
        )
    arrays = _without_lists(tuple(source) if is_pair else source)
    sizes = {
        len(array) if array.ndim else 0 for array in tf.nest.flatten(arrays)
    }
    if len(sizes) != 1:
        raise ValueError(
            "The arrays of `source` must be of one length. Received: lengths "
            f"{sorted(sizes)}"
        )
    return tf.data.Dataset.from_tensor_slices(arrays)


def _facts(items, tasks, stratify, groups, example, num_bins):
    """Reads a source once: its size, and its strata and groups."""
    tasks = tasks.values() if isinstance(tasks, dict) else tasks
    tasks = {task.name: task for task in tasks}
    chosen = _chosen_tasks(stratify, tasks)
    group_of = groups if callable(groups) else None
    if isinstance(groups, str):
        group_of = _group_key(items.element_spec, groups)

    @tf.autograph.experimental.do_not_convert
    def pair(*element):
        if example is not None:
            return example(*element)
        element = element[0] if len(element) == 1 else element
        return targets.split_example(element, tasks)

    @tf.autograph.experimental.do_not_convert
    def facts(*element):
        labels = pair(*element)[1] if chosen else {}
        group = 0 if group_of is None else group_of(*element)
        return {name: labels[name] for name in chosen}, group

    if chosen:
        targets.check_labels(items.map(pair).element_spec, tasks)
    read = list(items.map(facts).as_numpy_iterator())
    if not read:
        raise ValueError("`source` has no examples.")
    about = {"strata": None, "groups": None}
    if chosen:
        labels = {
            name: _stacked([one[name] for one, _ in read], tasks[name].label)
            for name in chosen
        }
        about["strata"] = splits.strata(labels, tasks, num_bins=num_bins)
    if groups is not None:
        if group_of is not None:
            groups = [group for _, group in read]
        about["groups"] = np.asarray(groups)
    return len(read), about


def _chosen_tasks(stratify, tasks) -> list:
    if isinstance(stratify, bool):
        return sorted(tasks) if stratify else []
    stratify = [stratify] if isinstance(stratify, str) else list(stratify)
    for name in stratify:
        if name not in tasks:
            what = "task in `stratify`"
            raise ValueError(unknown(what, name, tasks, stratify))
    return stratify


def _group_key(spec, key):
    parts = spec if isinstance(spec, tuple) else (spec,)
    for index, part in enumerate(parts):
        if isinstance(part, dict) and key in part:
            return lambda *element: element[index][key]
    keys = [k for part in parts if isinstance(part, dict) for k in part]
    raise ValueError(unknown("key of an example in `groups`", key, keys))


def _stacked(labels, spec):
    """Stacks labels to one array; sequences of other lengths are padded."""
    shapes = {label.shape for label in labels}
    if len(shapes) == 1:
        return np.stack(labels)
    longest = np.max([label.shape for label in labels], axis=0)
    marker = np.nan if spec.missing == "nan" else spec.missing
    padded = np.full((len(labels), *longest), marker, labels[0].dtype)
    for row, label in zip(padded, labels, strict=True):
        row[tuple(slice(size) for size in label.shape)] = label
    return padded


def _without_lists(source):
    """Converts lists to arrays; `tf.nest` would read them as structure."""
    if isinstance(source, dict):
        return {key: _without_lists(part) for key, part in source.items()}
    if isinstance(source, tuple):
        return tuple(_without_lists(part) for part in source)
    return np.asarray(source)
