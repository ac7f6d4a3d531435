"""Exponential averages from zero, and their roots, in float32's range."""

from keras import ops


def share_of_data(beta: float, steps):
    """Returns how much of an average from zero is data: `1 - beta ** steps`.

    Args:
        beta: Float in [0, 1).
        steps: Integer tensor, the steps averaged; below 1 counts as 1.

    Returns:
        float32 tensor of the shape of `steps`.
    """
    steps = ops.cast(ops.maximum(steps, 1), "float32")
    return 1.0 - ops.power(ops.convert_to_tensor(beta, "float32"), steps)


def root_of_squares(root, values, beta: float):
    """Moves the root of the averaged squares on by a step.

    Args:
        root: float32 tensor of at least 0, whose square is the average; the
            square itself may leave float32's range.
        values: float32 tensor of the same shape.
        beta: Float in [0, 1), how much of the average is kept.

    Returns:
        float32 tensor, `sqrt(beta * root**2 + (1 - beta) * values**2)`.
    """
    size = ops.abs(values)
    top = ops.maximum(root, size)
    safe = ops.where(top > 0, top, 1.0)
    square = beta * ops.square(root / safe)
    square = square + (1.0 - beta) * ops.square(size / safe)
    return top * ops.sqrt(square)
