"""What the interior-point solvers have in common.

They follow the central path of a problem in unit rows (Nocedal & Wright,
Numerical Optimization, 2006, chapters 14 and 16) for a fixed number of Newton
steps, so that they compile to one loop of fixed shapes. The path ends at the
centre of the set of solutions: duplicate rows share their weight evenly, and
the order of the tasks does not matter.
"""

from keras import ops


def solved(matrix, right):
    """Solves a regular linear system, or one that is not finite.

    TensorFlow's solver on a CPU raises where a number is not finite, which
    would end a training run where the step is only to be skipped.

    Args:
        matrix: Tensor of shape `(n, n)`, regular.
        right: Tensor of shape `(n,)`.

    Returns:
        Tensor of shape `(n,)`.
    """
    identity = ops.eye(matrix.shape[0], dtype="float32")
    matrix = ops.where(ops.isfinite(matrix), matrix, identity)
    return ops.solve(matrix, right[:, None])[:, 0]


def longest_step(values, change):
    """Finds how far positive numbers may move and stay positive.

    Args:
        values: Tensor of positive numbers.
        change: Tensor of the same shape.

    Returns:
        Scalar tensor, 1 or less where a number would reach zero.
    """
    falls = change < 0
    ratio = -values / ops.where(falls, change, -1.0)
    return ops.min(ops.where(falls, ratio, 1e30))


def sound(matrix):
    """Tells whether a matrix is finite.

    Args:
        matrix: Tensor.

    Returns:
        Tuple of a boolean scalar tensor and the matrix with zeros in place of
        what is not finite.
    """
    is_finite = ops.isfinite(matrix)
    return ops.all(is_finite), ops.where(is_finite, matrix, 0.0)
