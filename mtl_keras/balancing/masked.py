"""Arithmetic over the tasks that take part in a step, and over no others.

Methods that take logarithms or divide leave out a task whose loss is not
positive, as they leave out one without labels: at a loss of 0 there is nothing
to learn, and the formula's limit would stop all the others.
"""

from keras import ops


def taking_part(losses, present):
    """Tells which tasks have labels and a positive loss.

    Args:
        losses: float32 tensor of shape `(num_tasks,)`.
        present: float32 tensor of shape `(num_tasks,)`, 1 or 0.

    Returns:
        Boolean tensor of shape `(num_tasks,)`.
    """
    # A subnormal loss has no finite reciprocal, and XLA takes it for 0.
    return ops.logical_and(present > 0, losses >= 1.2e-38)


def reciprocal(values, mask):
    """Returns `1 / values` where `mask` is true, else 0.

    Args:
        values: float32 tensor.
        mask: Boolean tensor of the same shape.
    """
    return ops.where(mask, 1.0 / ops.where(mask, values, 1.0), 0.0)


def logarithm(values, mask):
    """Returns `log(values)` where `mask` is true, else 0.

    Args:
        values: float32 tensor.
        mask: Boolean tensor of the same shape.
    """
    return ops.log(ops.where(mask, values, 1.0))


def softmax(logits, mask, temperature: float = 1.0):
    """Returns a softmax over the entries where `mask` is true.

    Args:
        logits: float32 tensor of shape `(num_tasks,)`, finite.
        mask: Boolean tensor of shape `(num_tasks,)`.
        temperature: Float.

    Returns:
        float32 tensor of shape `(num_tasks,)`: it sums to 1, and is 0 where
        `mask` is false; all 0 where `mask` is nowhere true.
    """
    # Lower than any finite logit, and finite, so that no inf - inf appears.
    top = ops.max(ops.where(mask, logits, -3.4e38))
    # The difference first: a quotient of large logits may leave the range.
    powers = ops.exp(ops.where(mask, logits - top, 0.0) / temperature)
    powers = ops.where(mask, powers, 0.0)
    # The greatest is 1, so the sum is at least 1 where anything takes part.
    return powers / ops.maximum(ops.sum(powers), 1.0)
