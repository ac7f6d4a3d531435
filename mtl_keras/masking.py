"""Brings masks and sample weights to the shape of a task's loss values."""

from keras import ops


def align(weights, values, name: str, *, what: str):
    """Gives weights the shape of loss values, label by label.

    Args:
        weights: Tensor of shape `(batch,)`, of the values' shape, or with
            axes of the label that the loss has reduced (a mask then asks for
            all of them).
        values: Tensor of unreduced loss values, `(batch, ...)`.
        name: String, the task, for the error.
        what: String, what the weights are, for the error.

    Returns:
        float32 tensor that multiplies `values` element by element.

    Raises:
        ValueError: If the shapes cannot be matched; at trace time.
    """
    rank = len(values.shape)
    while len(weights.shape) > rank and weights.shape[-1] == 1:
        weights = ops.squeeze(weights, axis=-1)
    if len(weights.shape) > rank:
        if what != "mask":
            raise ValueError(
                f"Task {name!r} has one loss value for each label of shape "
                f"{tuple(values.shape)}; {what} must have that shape or one "
                f"value an example. Received: {what} of shape "
                f"{tuple(weights.shape)}"
            )
        axes = tuple(range(rank, len(weights.shape)))
        weights = ops.all(weights, axis=axes)
    weights = ops.cast(weights, "float32")
    while len(weights.shape) < rank:
        weights = ops.expand_dims(weights, axis=-1)
    _check_sizes(weights, values, name, what)
    if tuple(weights.shape) != tuple(values.shape):
        weights = ops.broadcast_to(weights, ops.shape(values))
    return weights


def _check_sizes(weights, values, name, what):
    for size, wanted in zip(weights.shape, values.shape, strict=True):
        if size is None or wanted is None or size in (1, wanted):
            continue
        raise ValueError(
            f"Task {name!r} expects {what} of shape {tuple(values.shape)}. "
            f"Received: {what} of shape {tuple(weights.shape)}"
        )
