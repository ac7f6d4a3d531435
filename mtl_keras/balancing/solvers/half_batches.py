"""The products of two half batches' gradients, over the sum of the squares."""

from keras import ops


def unit_cross(step):
    """Divides the products of the two halves by the sum of the squares.

    Args:
        step: `Step` with `halves`.

    Returns:
        float32 tensor of shape `(num_tasks, num_tasks)`, row `k` of the first
        half's task `k`, over the sum over the tasks of the product of a task's
        two lengths: no eigenvalue is beyond 1, so that a step of 1 along it is
        stable. All 0 where that sum is 0.
    """
    size = step.num_tasks
    lengths = ops.sqrt(ops.maximum(ops.diagonal(step.halves), 0.0))
    # The roots first: the product of two lengths may leave float32's range.
    roots = ops.sqrt(lengths)
    means = step.present * roots[:size] * roots[size:]
    top = ops.max(means)
    inverse = ops.where(top > 0, 1.0 / ops.where(top > 0, top, 1.0), 0.0)
    total = ops.maximum(ops.sum(ops.square(means * inverse)), 1.0)
    return step.cross * inverse * inverse / total


def unweighted(halves, weights):
    """Divides the weights of the losses out of the products of the halves.

    Args:
        halves: As of `Step`, of rows that the weights multiplied.
        weights: float32 tensor of shape `(num_tasks,)`; a row of the weight 0
            stays 0.

    Returns:
        float32 tensor of the shape of `halves`.
    """
    inverses = ops.where(
        weights > 0, 1.0 / ops.where(weights > 0, weights, 1.0), 0.0
    )
    both = ops.concatenate([inverses, inverses])
    # One after the other: their product may leave float32's range.
    return halves * both[:, None] * both[None, :]
