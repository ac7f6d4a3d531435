"""The inner problem of ConicGrad."""

from keras import ops

from mtl_keras.balancing.solvers.cagrad import best_worst_gain
from mtl_keras.balancing.solvers.interior_point import sound
from mtl_keras.balancing.solvers.unit_rows import unit_rows


def in_cone(gramian, shares, c: float, present):
    """Finds the weights of the direction in a cone with the best worst gain.

    With `g0 = shares @ J`, that is the `d` whose least product with a row is
    greatest, of all `d` with `g0 @ d >= c * |g0|^2` and `|d| <= |g0|`: the
    convex hull of what has the length of `g0` and an angle to it whose cosine
    is `c` or more. The reference is one more row of the interior-point
    problem of `solvers.cagrad`, whose gain has a bound of its own.

    Args:
        gramian: Float tensor of shape `(num_tasks, num_tasks)`.
        shares: Float tensor of shape `(num_tasks,)`, at least 0, sum 1, 0
            where `present` is 0.
        c: Float above 0 and below 1.
        present: Float tensor of shape `(num_tasks,)`, 1 or 0.

    Returns:
        float32 tensor of shape `(num_tasks,)`, the weights of `d`. A zero row
        takes no part: its gain is always zero. Where no row is left, or `g0`
        is zero, the weights are `shares`. Not a number where `gramian` is not
        finite.
    """
    is_sound, gramian = sound(gramian)
    size = gramian.shape[0]
    top = ops.sqrt(ops.max(ops.maximum(ops.diagonal(gramian), 0.0)))
    unit = ops.where(top > 0, 1.0 / ops.where(top > 0, top, 1.0), 0.0)
    # One factor after the other: their product may leave float32's range.
    scaled = gramian * unit * unit
    reference = ops.matmul(scaled, shares[:, None])
    square = ops.sum(shares * reference[:, 0])
    # What is left of rows that cancel is rounding, and has no direction.
    spread = ops.sum(shares * ops.sqrt(ops.maximum(ops.diagonal(scaled), 0.0)))
    has_reference = square > 1e-6 * spread * spread
    square = ops.where(has_reference, square, 1.0)
    extended = ops.concatenate(
        [
            ops.concatenate([scaled, reference], axis=1),
            ops.concatenate(
                [ops.transpose(reference), ops.reshape(square, (1, 1))], axis=1
            ),
        ],
        axis=0,
    )
    cosines, lengths, inverses = unit_rows(extended)
    takes_part = ops.logical_and(
        ops.concatenate([present, ops.ones((1,), "float32")]) > 0,
        inverses > 0,
    )
    is_row = ops.concatenate([ops.ones((size,)), ops.zeros((1,))]) > 0
    is_row = ops.logical_and(is_row, takes_part)
    has_rows = ops.logical_and(ops.any(is_row), has_reference)
    shortest = ops.min(ops.where(is_row, lengths, 3e38))
    a = ops.where(is_row, shortest * inverses, 0.0)
    gains = ops.where(takes_part, 0.0, 1.0)
    gains = ops.concatenate([gains[:size], ops.full((1,), -c, "float32")])
    both = ops.logical_and(takes_part[:, None], takes_part[None, :])
    cosines = ops.where(both, cosines, 0.0)
    # Where there is nothing to solve, the linear systems would be singular.
    # Orthogonal rows stand in for none.
    a = ops.where(has_rows, a, 1.0)
    gains = ops.where(has_rows, gains, 0.0)
    cosines = ops.where(has_rows, cosines, ops.eye(size + 1, dtype="float32"))
    # Inside of the cone and of the ball.
    start = ops.concatenate(
        [ops.zeros((size,)), ops.full((1,), (1.0 + c) / 2.0, "float32")]
    )
    _, y = best_worst_gain(cosines, gains, a, 1.0, start)
    # `y` is of unit rows; `lengths` and `inverses` of rows in units of `top`.
    own = ops.where(is_row, ops.sqrt(square) * inverses * y, 0.0)[:size]
    weights = own + y[size] * shares
    weights = ops.where(has_rows, weights, shares)
    return ops.where(is_sound, weights, float("nan"))
