"""Weights of classes by how often they occur in the training split."""

import keras
import numpy as np

from mtl_keras.messages import unknown

BALANCED = "balanced"


def resolve(setting, tasks: dict, train) -> dict | None:
    """Reads a recipe's `class_weight`.

    A balanced class weighs `labels / (classes * labels of this class)`, as in
    scikit-learn: the mean weight of a label is 1. A class without labels
    weighs 1.

    Args:
        setting: `None`; `"balanced"`, all tasks whose labels are class
            numbers; or a dict of task name to `"balanced"` or to a dict of
            class number to weight, as for `fit`.
        tasks: Dict of task name to `Task`.
        train: `tf.data.Dataset` of the training split, or a function from an
            epoch to one. Read once where something is balanced.

    Returns:
        Dict for the argument `class_weight` of `MultiTaskModel.fit`, or
        `None`.

    Raises:
        ValueError: If a task is unknown or its labels are no class numbers.
    """
    if not setting:
        return None
    if setting == BALANCED:
        setting = {
            name: BALANCED
            for name, task in tasks.items()
            if num_classes(task) is not None
        }
    if not hasattr(setting, "items"):
        raise ValueError(
            "`class_weight` must be 'balanced' or a dict of task name to "
            f"'balanced' or weights. Received: class_weight={setting!r}"
        )
    tables, balanced = {}, {}
    for name, value in setting.items():
        if name not in tasks:
            raise ValueError(
                unknown("task in `class_weight`", name, tasks, dict(setting))
            )
        if value != BALANCED:
            tables[name] = {int(c): w for c, w in dict(value).items()}
            continue
        size = num_classes(tasks[name])
        if size is None:
            raise ValueError(
                f"`class_weight` names the task {name!r}, whose labels are no "
                "class numbers."
            )
        balanced[name] = size
    if balanced:
        counts = _counts(balanced, tasks, train)
        tables |= {name: weights(counts[name]) for name in balanced}
    return {name: tables[name] for name in setting}


def weights(counts) -> dict[int, float]:
    """Computes balanced weights.

    Args:
        counts: Sequence of integers, the labels of each class.

    Returns:
        Dict of class number to weight.
    """
    total = sum(counts)
    return {
        number: float(total / (len(counts) * count)) if count else 1.0
        for number, count in enumerate(counts)
    }


def num_classes(task) -> int | None:
    """Returns the number of a task's classes; `None` for other labels."""
    spec = task.label
    if spec.rule == "one_hot":
        return spec.shape[-1]
    if spec.rule is not None or spec.minimum != 0 or spec.maximum is None:
        return None
    is_classes = spec.dtype == "int32" or task.kind == "presence"
    return int(spec.maximum) + 1 if is_classes else None


def _counts(sizes, tasks, train) -> dict:
    counts = {name: np.zeros(size, np.int64) for name, size in sizes.items()}
    for _, labels, *_ in train(0) if callable(train) else train:
        for name in sizes:
            if name not in labels:
                continue
            label = keras.ops.convert_to_numpy(labels[name])
            spec = tasks[name].label
            present = np.asarray(spec.present(label))
            if spec.rule == "one_hot":
                label, present = label.argmax(-1), present[..., 0]
            numbers = label[present].astype(np.int64)
            counts[name] += np.bincount(numbers, minlength=sizes[name])
    return {name: [int(n) for n in row] for name, row in counts.items()}
