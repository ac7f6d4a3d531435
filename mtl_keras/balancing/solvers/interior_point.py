"""What the interior-point solvers have in common.

They follow the central path of a problem in unit rows (Nocedal & Wright,
Numerical Optimization, 2006, chapters 14 and 16) for a fixed number of Newton
steps, so that they compile to one loop of fixed shapes. The path ends at the
centre of the set of solutions: duplicate rows share their weight evenly, and
the order of the tasks does not matter.
"""

import numpy as np
from keras import ops

# How much of the way to the boundary a step may take.
_SHARE = 0.99


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


def newton_system(matrix, v, z, step):
    """Sets up a Newton step of a quadratic program in `v >= 0`.

    Args:
        matrix: Tensor of shape `(n, n)`, positive semidefinite, of order one.
        v: Tensor of shape `(n,)`, positive.
        z: Tensor of that shape, positive, the multipliers of `v >= 0`.
        step: Scalar tensor, how far the last step went, 0 at first.

    Returns:
        Tuple of the regular matrix of the system in `dv / scale`, of `scale`,
        and of the product of `v` and `z` to aim at.
    """
    size = matrix.shape[0]
    # Keeps the linear system regular where rows are dependent. It slows the
    # steps along directions that change nothing, and moves no solution.
    ridge = size * 1.2e-7 * np.eye(size, dtype="float32")
    slowed = 1.0 - step
    share = ops.clip(slowed * slowed * slowed, 0.01, 0.3)
    # Below 1e-14 there is nothing to gain in float32.
    target = ops.maximum(share * ops.mean(v * z), 1e-14)
    ratio = z / v
    # Every row and column of the system gets a diagonal of order one.
    scale = 1.0 / ops.sqrt(1.0 + ratio)
    system = scale[:, None] * matrix * scale[None, :] + ridge
    return system + ops.diag(ratio * scale * scale), scale, target


def moved(v, z, dv, target):
    """Takes a Newton step as far as `v` and `z` stay positive.

    Args:
        v: As of `newton_system`.
        z: As of `newton_system`.
        dv: Tensor of shape `(n,)`, the step of `v`.
        target: As returned by `newton_system`.

    Returns:
        Tuple of the new `v`, the new `z`, and the fractions of the step that
        they went.
    """
    dz = (target - v * z - z * dv) / v
    step_v = ops.minimum(_SHARE * longest_step(v, dv), 1.0)
    step_z = ops.minimum(_SHARE * longest_step(z, dz), 1.0)
    return v + step_v * dv, z + step_z * dz, step_v, step_z
