"""Checks and casts the labels of a dataset, and computes their weights.

`LabelSpec` uses `keras.ops`; inside `tf.data` all operations are TensorFlow's,
with every backend.
"""

import tensorflow as tf

from mtl_keras.messages import listed, unknown


def split_example(element, tasks):
    """Divides an example into inputs and labels by the default rule.

    Args:
        element: Dict whose task names hold the labels and whose other keys
            are inputs, or a pair `(inputs, {task: label})`.
        tasks: Dict of name to `Task`.

    Returns:
        Pair `(inputs, {task: label})`.

    Raises:
        ValueError: If the element is anything else.
    """
    if isinstance(element, tuple) and len(element) == 2:
        return element
    if isinstance(element, dict):
        labels = {key: element[key] for key in element if key in tasks}
        inputs = {key: element[key] for key in element if key not in tasks}
        return inputs, labels
    raise ValueError(
        "An example must be a dict that holds the inputs and the labels, or a "
        "pair (inputs, {task: label}). "
        f"Received: an example of type {type(element).__name__}. "
        "Pass `example`, a function that returns the pair."
    )


def check_labels(spec, tasks) -> None:
    """Checks the labels of a dataset by its element spec.

    Args:
        spec: Element spec of a dataset of single examples.
        tasks: Dict of name to `Task`.

    Raises:
        ValueError: If an example is not a pair, or its labels lack a task, name
            an unknown task, or have a wrong shape or type.
    """
    if not (
        isinstance(spec, tuple) and len(spec) == 2 and isinstance(spec[1], dict)
    ):
        raise ValueError(
            "An example must be a pair (inputs, {task: label}). "
            f"Received: {spec}. Let `example` return such a pair."
        )
    for name in spec[1]:
        if name not in tasks:
            raise ValueError(
                unknown("task in the labels", name, tasks, sorted(spec[1]))
            )
    for name in tasks:
        if name not in spec[1]:
            raise ValueError(
                f"The examples have no label for the task {name!r}. Expected "
                f"labels for {listed(tasks)}. "
                f"Received: labels for {listed(sorted(spec[1]))}. "
                "Missing labels are NaN (float) or -1 (class numbers)."
            )
        _check_label(name, tasks[name].label, spec[1][name])


def _check_label(name, expected, received):
    if not isinstance(received, tf.TensorSpec):
        raise ValueError(
            f"Task {name!r} expects a tensor of shape {expected.shape} as "
            f"label. Received: {received}"
        )
    if received.shape.rank is None:
        raise ValueError(
            f"Task {name!r} expects labels of shape {expected.shape}. "
            "Received: a label of unknown rank. Call tf.ensure_shape on it in "
            "`example`."
        )
    expected.check_shape(name, (None, *received.shape))
    dtype = received.dtype
    if not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
        raise ValueError(
            f"Task {name!r} expects labels that are numbers "
            f"({expected.dtype}). Received: dtype {dtype.name}. Convert names "
            "to class numbers in `example`."
        )
    if expected.dtype == "int32" and not dtype.is_integer:
        raise ValueError(
            f"Task {name!r} expects integer labels, or {expected.missing} "
            f"where the label is missing. Received: dtype {dtype.name}. "
            "Cast them in `example`: tf.cast(label, tf.int32)."
        )


def standardize(labels, tasks):
    """Casts labels to the types that their tasks expect.

    Args:
        labels: Dict of task name to tensor, of any leading axes.
        tasks: Dict of name to `Task`.

    Returns:
        Dict with the same keys, in sorted order.
    """
    return {
        name: tf.cast(labels[name], tasks[name].label.dtype)
        for name in sorted(labels)
    }


def weights(labels, tasks):
    """Computes whether each example has a label of each task.

    Args:
        labels: Dict of task name to tensor of shape `(batch, ...)`.
        tasks: Dict of name to `Task`.

    Returns:
        Dict of task name to float32 tensor of shape `(batch,)`: 1 if any
        element of the label is present, else 0.
    """
    result = {}
    for name, label in labels.items():
        present = tasks[name].label.present(label)
        axes = list(range(1, label.shape.rank))
        result[name] = tf.cast(tf.reduce_any(present, axes), tf.float32)
    return result
