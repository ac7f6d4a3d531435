"""Checks labels and sample weights on their way into the model."""

import numpy as np

from mtl_keras.arguments import check_names
from mtl_keras.suggest import listed


def check_labels(y, tasks: dict, losses: dict) -> dict:
    """Checks the structure and shapes of a batch's labels; at trace time.

    Args:
        y: Dict, task name to tensor or `None`; a single tensor where the model
            has one task.
        tasks: Dict, task name to `Task`.
        losses: Dict, task name to loss.

    Returns:
        Dict, task name to tensor, of the trained tasks that have labels.

    Raises:
        ValueError: If `y` is no flat dict keyed by task or a shape is wrong.
    """
    y = as_dict("labels", y, tasks)
    labels = {n: v for n, v in y.items() if v is not None and n in losses}
    for name, label in labels.items():
        tasks[name].label.check_shape(name, label.shape)
    return labels


def as_dict(what: str, value, tasks: dict) -> dict:
    """Reads labels or weights as a flat dict keyed by task.

    Args:
        what: String, what the value is, for the error.
        value: Dict, or a single array where the model has one task, or `None`.
        tasks: Dict, task name to `Task`.

    Returns:
        Dict, task name to array or `None`.

    Raises:
        ValueError: If it cannot be read so.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        if len(tasks) == 1 and hasattr(value, "shape"):
            return {next(iter(tasks)): value}
        raise ValueError(
            f"The {what} of a model with the tasks {listed(tasks)} must be a "
            "flat dict keyed by task; a task without any may be left out. "
            f"Received: {type(value).__name__}"
        )
    check_names(what, value, tasks)
    for name, entry in value.items():
        if isinstance(entry, dict | list | tuple) and not _is_numbers(entry):
            raise ValueError(
                f"The {what} of the task {name!r} must be one array. "
                f"Received: {type(entry).__name__}"
            )
    return dict(value)


def _is_numbers(entry) -> bool:
    return not isinstance(entry, dict) and np.asarray(entry).dtype != object


def standardize_arrays(y, sample_weight, tasks: dict, losses: dict) -> tuple:
    """Checks arrays given to `fit` or `evaluate` and completes the weights.

    Args:
        y: Dict, task name to array; `None` entries are left out.
        sample_weight: `None`, one array for all tasks, or a dict that may
            leave tasks out.
        tasks: Dict, task name to `Task`.
        losses: Dict, task name to loss.

    Returns:
        Tuple of two dicts with the same keys; the second `None` where there
        are no weights.

    Raises:
        ValueError: If names, shapes, types or ranges are wrong, or an array
            holds no label at all.
    """
    y = {
        name: np.asarray(label) if isinstance(label, list | tuple) else label
        for name, label in as_dict("labels", y, tasks).items()
        if label is not None
    }
    if not y:
        raise ValueError(
            f"No task has labels. Expected a dict with some of {listed(tasks)}."
            " Received: an empty one"
        )
    for name, label in y.items():
        if name in losses and isinstance(label, np.ndarray):
            tasks[name].label.check_array(name, label)
    if sample_weight is None:
        return y, None
    if not isinstance(sample_weight, dict):
        weights = dict.fromkeys(y, np.asarray(sample_weight))
    else:
        weights = as_dict("sample_weight", sample_weight, tasks)
    size = len(next(iter(y.values())))
    return y, {
        name: np.asarray(
            np.ones(size, "float32")
            if weights.get(name) is None
            else weights[name],
            "float32",
        )
        for name in y
    }


def check_dataset(dataset, tasks: dict, losses: dict) -> None:
    """Checks a `tf.data.Dataset` by its element spec, before the first batch.

    Args:
        dataset: Object with `element_spec`.
        tasks: Dict, task name to `Task`.
        losses: Dict, task name to loss.

    Raises:
        ValueError: If its elements are no `(inputs, labels[, weights])`, or
            names or shapes are wrong.
    """
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        raise ValueError(
            "A dataset for a multi-task model must give (inputs, "
            "{task: label}) or (inputs, {task: label}, {task: weight}). "
            f"Received: elements of the form {spec}"
        )
    labels = as_dict("labels", spec[1], tasks)
    for name, label in labels.items():
        if name in losses and getattr(label, "shape", None) is not None:
            shape = label.shape
            if shape.rank is not None:
                tasks[name].label.check_shape(name, tuple(shape))
    if len(spec) == 3:
        as_dict("sample_weight", spec[2], tasks)
