"""A quadratic program on the simplex, with entries beside it."""

import numpy as np
from keras import ops

from mtl_keras.balancing.solvers.interior_point import (
    moved,
    newton_system,
    solved,
    sound,
)

# 20 suffice where all entries are on the simplex, 25 with one beside it.
_STEPS = 25


def minimum(matrix, linear, is_on_simplex, takes_part):
    """Minimises `x @ H @ x / 2 + q @ x` over `x >= 0`, some of it of sum 1.

    By a primal-dual interior-point method, for numbers of order one.

    Args:
        matrix: Float tensor `H` of shape `(n, n)`, positive semidefinite.
        linear: Float tensor `q` of shape `(n,)`.
        is_on_simplex: NumPy array of `n` booleans, the entries that sum to 1;
            the others are at least 0.
        takes_part: Boolean tensor of shape `(n,)`; an entry without is 0.

    Returns:
        float32 tensor of shape `(n,)`; 0 on the simplex where no entry of it
        takes part. Not a number where `matrix` or `linear` is not finite.
    """
    size = matrix.shape[0]
    is_sound, matrix = sound(matrix)
    is_known, linear = sound(linear)
    both = ops.logical_and(takes_part[:, None], takes_part[None, :])
    matrix = ops.where(both, matrix, 0.0)
    # An entry that is left out stands alone, with its minimum below zero.
    matrix = matrix + ops.diag(ops.where(takes_part, 0.0, 1.0))
    linear = ops.where(takes_part, linear, 1.0)
    on_simplex = np.asarray(is_on_simplex, "float32")
    sums = ops.where(takes_part, on_simplex, 0.0)
    start = (
        ops.full((size,), 1.0 / size, dtype="float32"),
        ops.ones((size,), "float32"),
        ops.zeros((), "float32"),
        ops.zeros((), "float32"),
        matrix,
        linear,
        sums,
    )
    x = ops.fori_loop(0, _STEPS, _newton_step, start)[0]
    x = ops.where(takes_part, x, 0.0)
    total = ops.sum(sums * x)
    x = ops.where(sums > 0, x / ops.where(total > 0, total, 1.0), x)
    return ops.where(ops.logical_and(is_sound, is_known), x, float("nan"))


def _newton_step(_, state):
    """Takes one step; of this module, so that JAX compiles it but once."""
    x, z, level, step, matrix, linear, sums = state
    system, scale, target = newton_system(matrix, x, z, step)
    slope = ops.matmul(matrix, x[:, None])[:, 0] + linear
    free = solved(system, scale * (target / x + level * sums - slope))
    raised = solved(system, scale * sums)
    # How far `level`, the multiplier of the sum, moves.
    gain = ops.sum(scale * sums * raised)
    lack = 1.0 - ops.sum(sums * x) - ops.sum(scale * sums * free)
    rise = ops.where(gain > 0, lack / ops.where(gain > 0, gain, 1.0), 0.0)
    x, z, step_x, step_z = moved(x, z, scale * (free + rise * raised), target)
    step = ops.minimum(step_x, step_z)
    return x, z, level + step_z * rise, step, matrix, linear, sums
