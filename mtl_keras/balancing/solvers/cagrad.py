"""The inner problem of CAGrad."""

import numpy as np
from keras import ops

from mtl_keras.balancing.solvers import cagrad_of_many
from mtl_keras.balancing.solvers.interior_point import (
    longest_step,
    solved,
    sound,
)
from mtl_keras.balancing.solvers.unit_rows import unit_rows

# Of more tasks, `cagrad_of_many` has less to compute.
_MOST_BY_INTERIOR_POINT = 64
_STEPS = 20
# How much of the way to the boundary a step may take.
_SHARE = 0.9
# The least `|g_w|`, as a fraction of the shortest row's length over `c`, that
# the direction is divided by. It moves the worst task's gain by at most a
# half of it, times `c^2`, and bounds the weights where zero is in the hull.
_LEAST = 2e-4
# Where the central path ends: in float32 there is nothing to gain below.
_END = 1e-8


def conflict_averse(gramian, shares, c: float, present):
    """Finds the weights of the direction with the best worst gain.

    That is `d = g0 + c * |g0| * g_w / |g_w|`, `g0 = shares @ J`, `w` the point
    of the simplex that minimises `w @ G @ shares + c * |g0| * |g_w|`; or, the
    same, the `d` with `|d - g0| <= c * |g0|` whose least product with a row
    is greatest. The second form is solved, with the rows at length one and in
    units of `|g0|`, by a primal-dual interior-point method: where zero is in
    the rows' hull, `g_w / |g_w|` is 0 / 0 and `d` is not. Of more than 64
    tasks `cagrad_of_many.path` solves its dual. Where many rows
    nearly cancel, more than they have dimensions, `|d - g0|` carries the
    rounding of the Gramian, times the sum of the weights squared.

    Args:
        gramian: Float tensor of shape `(num_tasks, num_tasks)`.
        shares: Float tensor of shape `(num_tasks,)`, at least 0, sum 1, 0
            where `present` is 0.
        c: Float above 0 and below 1.
        present: Float tensor of shape `(num_tasks,)`, 1 or 0.

    Returns:
        Tuple of the weights of `d`, float32 of shape `(num_tasks,)`, and `w`,
        of the same shape. A zero row takes no part: its gain is always zero.
        Where no row is left, or `g0` is zero, the weights are `shares`. Not a
        number where `gramian` is not finite.
    """
    is_sound, gramian = sound(gramian)
    cosines, lengths, inverses = unit_rows(gramian)
    takes_part = ops.logical_and(present > 0, inverses > 0)
    gains, length = _gains(gramian, shares, lengths, inverses)
    has_rows = ops.logical_and(ops.any(takes_part), length > 0)
    shortest = ops.min(ops.where(takes_part, lengths, 3e38))
    a = ops.where(takes_part, shortest * inverses, 0.0)
    gains = ops.where(takes_part, gains, 1.0)
    both = ops.logical_and(takes_part[:, None], takes_part[None, :])
    cosines = ops.where(both, cosines, 0.0)
    # Where there is nothing to solve, the linear systems would be singular.
    # Orthogonal rows stand in for none.
    a = ops.where(has_rows, a, 1.0)
    gains = ops.where(has_rows, gains, 0.0)
    cosines = ops.where(
        has_rows, cosines, ops.eye(cosines.shape[0], dtype="float32")
    )
    if cosines.shape[0] <= _MOST_BY_INTERIOR_POINT:
        v, y = best_worst_gain(cosines, gains, a, c)
    else:
        v, y = cagrad_of_many.path(cosines, gains, a, c, _LEAST)
    weights = shares + ops.where(takes_part, length * inverses * y, 0.0)
    weights = ops.where(has_rows, weights, shares)
    hull = ops.where(takes_part, v * a, 0.0)
    total = ops.sum(hull)
    hull = hull / ops.where(total > 0, total, 1.0)
    bad = float("nan")
    return (
        ops.where(is_sound, weights, bad),
        ops.where(is_sound, hull, bad),
    )


def _gains(gramian, shares, lengths, inverses):
    """Returns the cosines of the rows with `g0`, and the length of `g0`."""
    top = ops.max(lengths)
    unit = ops.where(top > 0, 1.0 / ops.where(top > 0, top, 1.0), 0.0)
    products = ops.matmul(gramian * unit * unit, shares[:, None])[:, 0]
    length = ops.sqrt(ops.maximum(ops.sum(shares * products), 0.0))
    # Rows that cancel in `g0` leave rounding; no cosine is beyond 1.
    gains = products * (top * inverses)
    gains = gains / ops.where(length > 0, length, 1.0)
    return ops.clip(gains, -1.0, 1.0), length * top


def best_worst_gain(cosines, gains, a, c: float, start=None):
    """Maximises `m` with `gains + C @ y >= m * a` and `y @ C @ y <= c^2`.

    Follows slacks `z` and `h`, and their multipliers `v` and `ball`.

    Args:
        cosines: Float tensor `C` of shape `(num_rows, num_rows)`, of unit
            rows, or of zeros where a row takes no part.
        gains: Float tensor of shape `(num_rows,)`, at least -1; 1 where a row
            takes no part.
        a: Float tensor of shape `(num_rows,)`, at least 0, not all 0. A row
            with `a = 0` is a constraint that `m` is not part of.
        c: Float above 0.
        start: Float tensor of shape `(num_rows,)`, a `y` inside of the ball
            to start from. Defaults to `None`, 0.

    Returns:
        Tuple of the multipliers `v` and of `y`, at least 0, both of shape
        `(num_rows,)`.
    """
    size = cosines.shape[0]
    safe = ops.where(a > 0, a, 1.0)
    v = 1.0 / (size * safe)
    y = ops.zeros((size,), "float32") if start is None else start
    pull = ops.matmul(cosines, y[:, None])[:, 0]
    z = gains + pull
    m = ops.min(ops.where(a > 0, (z - 1.0) / safe, 3e38))
    z = z - m * a
    # A row at the least gain starts inside as well.
    z = ops.maximum(z, 1e-3)
    h = (c * c - ops.sum(y * pull)) / 2.0
    ball = ops.mean(v * z) / h
    state = (v, ball, y, m, z, h)
    state = (*state, ops.zeros((), "float32"), cosines, gains, a)
    state = (*state, ops.full((), c, dtype="float32"))
    state = ops.fori_loop(0, _STEPS, _newton_step, state)
    return state[0], ops.maximum(state[2], 0.0)


def _newton_step(_, state):
    """Takes one step; of this module, so that JAX compiles it but once."""
    v, ball, y, m, z, h, step, cosines, gains, a, c = state
    size = cosines.shape[0]
    # Keeps the linear system regular where rows are dependent.
    ridge = size * 1.2e-7 * np.eye(size, dtype="float32")
    one = np.ones((1,), "float32")
    slowed = 1.0 - step
    share = ops.clip(slowed * slowed * slowed, 0.1, 0.7)
    mean = (ops.sum(v * z) + ball * h) / (size + 1)
    target = ops.maximum(share * mean, _END)
    pull = ops.matmul(cosines, y[:, None])[:, 0]
    loose = gains + pull - m * a - z
    inside = (c * c - ops.sum(y * pull)) / 2.0 - h
    level = ball + _LEAST
    ratio = z / v
    scale = 1.0 / ops.sqrt(1.0 + level * ratio)
    excess = v - level * y
    # Unknowns: the changes of y (scaled), m and ball.
    block = scale[:, None] * cosines * scale[None, :] + ridge
    block = block + ops.diag(level * ratio * scale * scale)
    top = ops.concatenate(
        [
            block,
            (-scale * a)[:, None],
            (scale * ratio * y)[:, None],
        ],
        axis=1,
    )
    sphere = ops.concatenate([-ball * scale * pull, 0.0 * one, h * one])
    total = ops.concatenate(
        [level * scale * a, 0.0 * one, ops.sum(a * y) * one]
    )
    system = ops.concatenate([top, sphere[None], total[None]], axis=0)
    right = ops.concatenate(
        [
            scale * (target / v - z - loose + ratio * excess),
            (target - ball * h - ball * inside) * one,
            (1.0 + ops.sum(a * (excess - v))) * one,
        ]
    )
    # Columns, then rows, to a largest entry of one.
    columns = 1.0 / ops.maximum(ops.max(ops.abs(system), axis=0), 1e-30)
    system = system * columns[None, :]
    rows = 1.0 / ops.maximum(ops.max(ops.abs(system), axis=1), 1e-30)
    change = columns * solved(system * rows[:, None], right * rows)
    dy, dm, dball = scale * change[:size], change[size], change[size + 1]
    dv = level * dy + y * dball - excess
    dz = (target - v * z - z * dv) / v
    dh = (target - ball * h - h * dball) / ball
    values = ops.concatenate([v, z, ball * one, h * one])
    changes = ops.concatenate([dv, dz, dball * one, dh * one])
    step = ops.minimum(_SHARE * longest_step(values, changes), 1.0)
    return (
        v + step * dv,
        ball + step * dball,
        y + step * dy,
        m + step * dm,
        z + step * dz,
        h + step * dh,
        step,
        cosines,
        gains,
        a,
        c,
    )
