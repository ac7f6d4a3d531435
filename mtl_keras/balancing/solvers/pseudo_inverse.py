"""The pseudo-inverse of the rows' cosines, applied to one vector."""

import numpy as np
from keras import ops

_EPSILON = float(np.finfo("float32").eps)
# A part of the vector shorter than this fraction of it is rounding.
_SHARE = 1e-3


def least_squares(cosines, target):
    """Finds the shortest `x` with `cosines @ x` nearest to `target`.

    `x @ U`, with the unit rows `U`, is then the shortest direction whose
    products with the unit rows come nearest to `target`.

    Args:
        cosines: Float tensor of shape `(num_rows, num_rows)`, of `unit_rows`.
        target: Float tensor of shape `(num_rows,)`, 0 for a row of zeros.

    Returns:
        Tuple of `x`, of shape `(num_rows,)`, and two boolean scalar tensors:
        whether `target` is met but for rounding, and whether any of it is.
    """
    values, vectors = ops.eigh(cosines)
    # NumPy's and PyTorch's rule for a rank, with room for the rounding of the
    # products that the cosines are made of.
    size = ops.sum(ops.diagonal(cosines)) + 8.0
    is_kept = values > size * _EPSILON * ops.max(values)
    inverses = ops.where(is_kept, 1.0 / ops.where(is_kept, values, 1.0), 0.0)

    def applied(vector):
        parts = ops.matmul(vector[None, :], vectors)[0]
        return ops.matmul(vectors, (inverses * parts)[:, None])[:, 0]

    x = applied(target)
    for _ in range(2):
        products = ops.matmul(cosines, x[:, None])[:, 0]
        x = x + applied(target - products)
    parts = ops.square(ops.matmul(target[None, :], vectors)[0])
    met = ops.sum(ops.where(is_kept, parts, 0.0))
    missed = ops.sum(ops.where(is_kept, 0.0, parts))
    share = _SHARE**2 * (met + missed)
    return x, missed <= share, met > share
