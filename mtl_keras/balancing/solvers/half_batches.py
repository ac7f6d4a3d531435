"""The products of two half batches' gradients, in a unit of their own."""

from keras import ops


def unit_cross(step):
    """Divides the products of the two halves by the rows' mean length squared.

    Args:
        step: `Step` with `halves`.

    Returns:
        float32 tensor of shape `(num_tasks, num_tasks)`, row `k` of the first
        half's task `k`. The unit is the mean over the present tasks of the
        geometric mean of a task's two lengths; where it is 0, so is the
        tensor.
    """
    size = step.num_tasks
    lengths = ops.sqrt(ops.maximum(ops.diagonal(step.halves), 0.0))
    # The roots first: the product of two lengths may leave float32's range.
    roots = ops.sqrt(lengths)
    means = roots[:size] * roots[size:]
    count = ops.maximum(ops.sum(step.present), 1.0)
    unit = ops.sum(step.present * means) / count
    inverse = ops.where(unit > 0, 1.0 / ops.where(unit > 0, unit, 1.0), 0.0)
    return step.cross * inverse * inverse
