"""Labels on their way into a batch: checked, cast, and told present or not.

Inside `tf.data` everything is TensorFlow's, whichever backend trains.
"""

import tensorflow as tf

from mtl_keras.messages import listed, unknown


def split_example(element, tasks):
    """Divides an example into inputs and labels where nobody said how.

    Args:
        element: Dict that holds a value under each task's name, the rest
            being inputs, or a pair `(inputs, {task: label})`.
        tasks: Dict of name to `Task`.

    Returns:
        Pair `(inputs, {task: label})`.

    Raises:
        ValueError: If the element is neither.
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
        "Give `example`, a function that makes the pair."
    )


def check_labels(spec, tasks) -> None:
    """Checks what kind of labels a dataset gives, before it is read.

    Args:
        spec: Element spec of a dataset of single examples.
        tasks: Dict of name to `Task`.

    Raises:
        ValueError: If an example is no pair, or its labels lack a task, name
            an unknown one, or have a shape or type that does not fit.
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
                "Where a label is not known, give NaN (float labels) or -1 "
                "(class numbers)."
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
            f"({expected.dtype}). Received: dtype {dtype.name}. Turn names "
            "into class numbers in `example`."
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
    """Says for each example and task whether there is a label at all.

    Args:
        labels: Dict of task name to tensor of shape `(batch, ...)`.
        tasks: Dict of name to `Task`.

    Returns:
        Dict of task name to float32 tensor of shape `(batch,)`: 1 where any
        part of the label is there, 0 where it is missing.
    """
    result = {}
    for name, label in labels.items():
        present = tasks[name].label.present(label)
        axes = list(range(1, label.shape.rank))
        result[name] = tf.cast(tf.reduce_any(present, axes), tf.float32)
    return result
