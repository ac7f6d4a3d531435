"""Matches labels and sample weights with the batch of the predictions."""

from keras import ops


def with_rank(label, spec, prediction):
    """Gives a label of unknown rank the rank of its task.

    TensorFlow forgets the rank of labels that come as `(batch,)` in one call
    and as `(batch, 1)` in the next, or from `tf.numpy_function`.

    Args:
        label: Tensor.
        spec: `LabelSpec` of the task.
        prediction: Tensor, the task's output.

    Returns:
        Tensor of shape `(batch, *spec.shape)`; `label` where its rank is known.
    """
    if not _has_unknown_rank(label):
        return label
    if spec.shape.count(None) == 0:
        return ops.reshape(label, (-1, *spec.shape))
    sizes = ops.shape(prediction)[1:]
    return ops.reshape(
        label,
        (
            -1,
            *(
                sizes[axis] if size is None else size
                for axis, size in enumerate(spec.shape)
            ),
        ),
    )


def weight_with_rank(weight, label):
    """Gives weights of unknown rank the rank of the labels.

    Args:
        weight: Tensor with an element for each example or for each label.
        label: Tensor of labels, of known rank.

    Returns:
        Tensor; `weight` where its rank is known.
    """
    if not _has_unknown_rank(weight):
        return weight
    sizes = ops.shape(label)
    is_each_example = ops.equal(ops.size(weight), sizes[0])
    return ops.reshape(
        weight,
        (
            -1,
            *(ops.where(is_each_example, 1, size) for size in sizes[1:]),
        ),
    )


def matched(name: str, what: str, value, prediction) -> tuple:
    """Matches the batch axis of labels or weights with the predictions'.

    A batch axis of 1 would be broadcast: one label for all examples.

    Args:
        name: String, the task, for the error.
        what: String for the error, `"labels"` or `"sample_weight"`.
        value: Tensor.
        prediction: Tensor, the task's output.

    Returns:
        Tuple of a tensor with the batch axis of `prediction` and a boolean
        scalar, whether it came with another one; `None` where the sizes are
        known when the step is traced.

    Raises:
        ValueError: If the sizes are known and differ.
    """
    shape = tuple(value.shape)
    if not shape or not prediction.shape:
        return value, None
    received, expected = shape[0], prediction.shape[0]
    if None not in (received, expected):
        if received != expected:
            raise ValueError(
                f"Task {name!r} expects {what} of {expected} examples, as "
                f"many as the inputs of the batch. Received: {what} of shape "
                f"{shape}. Batch inputs, labels and weights together."
            )
        return value, None
    return _taken(value, 0, ops.shape(prediction)[0])


def in_shape(label, spec, prediction) -> tuple:
    """Matches the other axes of labels with the predictions'.

    An axis of 1, as of padding to the longest of a batch, would be broadcast.

    Args:
        label: Tensor, the task's labels.
        spec: `LabelSpec` of the task.
        prediction: Tensor, the task's output.

    Returns:
        Tuple as of `matched`. Sizes that are known when the step is traced
        are checked elsewhere, and labels of another rank than the output's.
    """
    rank, is_misfit = len(prediction.shape), None
    if not len(label.shape) == len(spec.shape) + 1 == rank:
        return label, None
    for axis, size in enumerate(spec.shape, start=1):
        is_open = size is None and prediction.shape[axis] is None
        if label.shape[axis] is not None and not is_open:
            continue
        expected = ops.shape(prediction)[axis] if size is None else size
        label, is_other = _taken(label, axis, expected)
        is_misfit = either(is_misfit, is_other)
    return label, is_misfit


def either(first, second):
    """Joins two booleans of the step; `None` is false.

    Args:
        first: Boolean scalar tensor or `None`.
        second: Boolean scalar tensor or `None`.

    Returns:
        Boolean scalar tensor; `None` if both are.
    """
    if first is None or second is None:
        return second if first is None else first
    return ops.logical_or(first, second)


def _taken(value, axis, expected) -> tuple:
    """Gives an axis its size, and tells whether it had another one."""
    # The step must run to its end to count the batch: a compiled step cannot
    # raise words of ours.
    received = ops.shape(value)[axis]
    places = ops.minimum(ops.arange(expected, dtype="int32"), received - 1)
    return (
        ops.take(value, places, axis=axis),
        ops.not_equal(received, expected),
    )


def _has_unknown_rank(value) -> bool:
    return getattr(value.shape, "rank", 0) is None
