"""Checks labels and sample weights on their way into the model."""

import keras
import numpy as np

from mtl_keras.label_arrays import check_dense, labels_as_array
from mtl_keras.messages import listed
from mtl_keras.model import batch_axis
from mtl_keras.model.arguments import check_names


def check_labels(y, predictions: dict, tasks: dict, checked) -> dict:
    """Checks the structure and shapes of a batch's labels; at trace time.

    Args:
        y: Dict, task name to tensor or `None`; a single tensor where the model
            has one task.
        predictions: Dict, task name to the output.
        tasks: Dict, task name to `Task`.
        checked: Names of the tasks whose labels are checked.

    Returns:
        Dict, task name to tensor, of the tasks that have labels.

    Raises:
        ValueError: If `y` is no flat dict keyed by task or a shape is wrong.
    """
    y = as_dict("labels", y, tasks)
    labels = {n: v for n, v in y.items() if v is not None}
    for name, label in labels.items():
        if name in checked:
            spec = tasks[name].label
            spec.check_dtype(name, label.dtype)
            label = batch_axis.with_rank(label, spec, predictions[name])
            spec.check_shape(name, label.shape)
            labels[name] = label
    return labels


def read_batch(y, sample_weight, predictions: dict, tasks: dict, checked):
    """Reads a batch's labels and weights; at trace time.

    Args:
        y: As for `check_labels`.
        sample_weight: As for `weights_of`.
        predictions: Dict, task name to the output.
        tasks: Dict, task name to `Task`.
        checked: Names of the tasks whose labels are checked.

    Returns:
        Tuple of three dicts by task name: labels, weights, and booleans that
        say whether either had another batch axis than the output, or labels
        another shape, where that is known in the step only.

    Raises:
        ValueError: As `check_labels`, or if a batch axis is wrong.
    """
    labels = check_labels(y, predictions, tasks, checked)
    weights = weights_of(sample_weight, tasks, labels)
    misfits = {}
    for name, label in labels.items():
        label, is_misfit = batch_axis.matched(
            name, "labels", label, predictions[name]
        )
        misfits[name] = is_misfit
        if name in checked:
            label, is_misfit = batch_axis.in_shape(
                label, tasks[name].label, predictions[name]
            )
            misfits[name] = batch_axis.either(misfits[name], is_misfit)
        labels[name] = label
        if (weight := weights.get(name)) is None:
            continue
        weight = batch_axis.weight_with_rank(weight, label)
        weights[name], is_misfit = batch_axis.matched(
            name, "sample_weight", weight, predictions[name]
        )
        misfits[name] = batch_axis.either(misfits[name], is_misfit)
    return labels, weights, {n: m for n, m in misfits.items() if m is not None}


def as_dict(what: str, value, tasks: dict) -> dict:
    """Reads labels or weights as a flat dict keyed by task.

    Args:
        what: String, what the value is, for the error.
        value: Dict, or a single array where the model has one task, or `None`.
        tasks: Dict, task name to `Task`.

    Returns:
        Dict, task name to array or `None`.

    Raises:
        ValueError: If it is neither.
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
        if isinstance(entry, dict | list | tuple) and not _is_array(entry):
            raise ValueError(
                f"The {what} of the task {name!r} must be one array. "
                f"Received: {type(entry).__name__}"
            )
    return dict(value)


def weights_of(sample_weight, tasks: dict, labels: dict) -> dict:
    """Reads a batch's sample weights.

    Args:
        sample_weight: `None`, one tensor for all tasks, or a dict.
        tasks: Dict, task name to `Task`.
        labels: Dict, task name to tensor, the batch's labels.

    Returns:
        Dict, task name to tensor; a task without weights may be absent.
    """
    if sample_weight is None:
        return {}
    if isinstance(sample_weight, dict):
        return as_dict("sample_weight", sample_weight, tasks)
    return dict.fromkeys(labels, sample_weight)


def _is_array(entry) -> bool:
    if isinstance(entry, dict):
        return False
    try:
        array = np.asarray(entry)
    except ValueError:
        # Lists of different lengths; `labels_as_array` says so.
        return not any(hasattr(part, "shape") for part in entry)
    except (NotImplementedError, TypeError):
        # Tensors of a step that is being traced.
        return False
    return array.dtype != object or not any(
        isinstance(part, dict) for part in array.flat
    )


def standardize(call: dict, tasks: dict, checked, stream) -> None:
    """Checks the data of a call of `fit` or `evaluate`, in place.

    Args:
        call: Dict, the arguments by name; `x`, `y` and `sample_weight` are
            replaced by what Keras takes.
        tasks: Dict, task name to `Task`.
        checked: Names of the tasks whose labels are checked.
        stream: `LabelStream`, which completes generators.

    Raises:
        ValueError: As `standardize_arrays` and `check_dataset`.
    """
    x, y = call.get("x"), call.get("y")
    if hasattr(x, "element_spec"):
        check_dataset(x, tasks, checked)
    elif y is not None or hasattr(x, "shape"):
        call["y"], call["sample_weight"] = standardize_arrays(
            x, y, call.get("sample_weight"), tasks, checked
        )
    elif x is not None:
        call["x"] = stream.of(x)


def standardize_held_out(held_out, tasks: dict, checked, stream):
    """Checks `validation_data`.

    Args:
        held_out: Tuple `(x, y)` or `(x, y, sample_weight)`, or a dataset.
        tasks: Dict, task name to `Task`.
        checked: Names of the tasks whose labels are checked.
        stream: `LabelStream`, which completes generators.

    Returns:
        What Keras takes as `validation_data`.

    Raises:
        ValueError: As `standardize`, or if the tuple has another length.
    """
    if not isinstance(held_out, list | tuple):
        call = {"x": held_out}
        standardize(call, tasks, checked, stream)
        return call["x"]
    if len(held_out) not in (2, 3):
        raise ValueError(
            "`validation_data` must be (x, labels), (x, labels, "
            "sample_weight) or a dataset. Received: a "
            f"{type(held_out).__name__} of {len(held_out)} entries"
        )
    call = dict(zip(("x", "y", "sample_weight"), held_out, strict=False))
    standardize(call, tasks, checked, stream)
    if call.get("sample_weight") is None:
        return call["x"], call["y"]
    return call["x"], call["y"], call["sample_weight"]


def standardize_arrays(x, y, sample_weight, tasks: dict, checked) -> tuple:
    """Checks arrays passed to `fit` or `evaluate` and completes the weights.

    Args:
        x: The inputs: array, or list or dict of arrays.
        y: Dict, task name to array; `None` entries are left out.
        sample_weight: `None`, one array for all tasks, or a dict that may
            leave tasks out.
        tasks: Dict, task name to `Task`.
        checked: Names of the tasks whose labels are checked.

    Returns:
        Tuple of two dicts with the same keys; the second `None` where there
        are no weights.

    Raises:
        ValueError: If names, lengths, shapes, types or ranges are wrong, or no
            task has labels.
    """
    y = label_arrays(y, tasks, checked)
    for name, label in y.items():
        if name in checked and isinstance(label, np.ndarray):
            tasks[name].label.check_array(name, label)
    check_lengths(x, y)
    if sample_weight is None:
        return y, None
    if isinstance(sample_weight, dict):
        weights = as_dict("sample_weight", sample_weight, tasks)
    else:
        weights = dict.fromkeys(y, sample_weight)
    return y, {
        name: weight_array(name, weights.get(name), label)
        for name, label in y.items()
    }


def label_arrays(y, tasks: dict, checked) -> dict:
    """Reads labels that are not yet in the step.

    Args:
        y: Dict, task name to array; `None` entries are left out.
        tasks: Dict, task name to `Task`.
        checked: Names of the tasks whose labels are checked.

    Returns:
        Dict, task name to NumPy array of one rank for each task.

    Raises:
        ValueError: If names, shapes or types are wrong, or no task has labels.
    """
    labels = {
        name: labels_as_array(name, label)
        for name, label in as_dict("labels", y, tasks).items()
        if label is not None
    }
    require_labels(labels, tasks)
    for name, label in labels.items():
        if name in checked and isinstance(label, np.ndarray):
            spec = tasks[name].label
            spec.check_dtype(name, label.dtype)
            spec.check_shape(name, label.shape)
            if not spec.shape or spec.shape == (1,):
                # One rank for all calls, or TensorFlow traces again.
                labels[name] = label.reshape(len(label), *spec.shape)
    return labels


def require_labels(y, tasks: dict) -> None:
    """Raises a `ValueError` if there are no labels at all.

    Args:
        y: Labels as received.
        tasks: Dict, task name to `Task`.
    """
    if y is None or (isinstance(y, dict) and not y):
        raise ValueError(
            f"No task has labels. Expected a dict with some of {listed(tasks)}."
            f" Received: {y}"
        )


def check_lengths(x, y) -> None:
    """Raises a `ValueError` if inputs and labels differ in length.

    Args:
        x: The inputs: array, or list or dict of arrays.
        y: Dict, task name to array.
    """
    inputs = {
        leaf.shape[0]
        for leaf in keras.tree.flatten(x)
        if getattr(leaf, "shape", None)
    }
    labels = {name: label.shape[0] for name, label in y.items()}
    if len(inputs | set(labels.values())) > 1:
        raise ValueError(
            "Inputs and labels must be of the same examples. Received: inputs "
            f"of {sorted(inputs)} examples, labels of {labels}"
        )


def weight_array(name: str, weight, label):
    """Reads a task's sample weights.

    Args:
        name: String, the task.
        weight: Array-like, or `None` for 1 everywhere.
        label: NumPy array, the task's labels.

    Returns:
        float32 NumPy array.

    Raises:
        ValueError: If the shape does not fit, or a weight is not finite.
    """
    if weight is None:
        return np.ones(len(label), "float32")
    try:
        array = np.asarray(weight, "float32")
    except (TypeError, ValueError):
        array = np.full((), np.nan)
    expected = (
        f"Task {name!r} expects `sample_weight` to be an array of finite "
        "numbers, one for each example, of shape "
        f"({len(label)},), or one for each label, of shape {label.shape}."
    )
    if array.ndim == 0:
        raise ValueError(f"{expected} Received: {type(weight).__name__}")
    if not np.isfinite(array).all():
        raise ValueError(f"{expected} Received: NaN or infinity among them")
    fits = array.shape == label.shape[: array.ndim]
    if not fits and array.shape != (len(label), 1):
        raise ValueError(f"{expected} Received: shape {array.shape}")
    return array


def check_dataset(dataset, tasks: dict, checked) -> None:
    """Checks a `tf.data.Dataset` by its element spec, before the first batch.

    Args:
        dataset: Object with `element_spec`.
        tasks: Dict, task name to `Task`.
        checked: Names of the tasks whose labels are checked.

    Raises:
        ValueError: If its elements are not `(inputs, labels[, weights])`, or
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
    require_labels(labels, tasks)
    for name, label in labels.items():
        check_dense(name, label)
        if name in checked and getattr(label, "shape", None) is not None:
            tasks[name].label.check_dtype(name, label.dtype)
            if label.shape.rank is not None:
                tasks[name].label.check_shape(name, tuple(label.shape))
    if len(spec) == 3 and not hasattr(spec[2], "shape"):
        as_dict("sample_weight", spec[2], tasks)
