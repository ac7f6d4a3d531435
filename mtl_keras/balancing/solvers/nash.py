"""The equations of a bargain: each task's gain is a power of its weight."""

import numpy as np
from keras import ops

from mtl_keras.balancing.solvers.unit_rows import unit_rows

_MOST_STEPS = 30
# Relative error at which Newton's steps end.
_TOLERANCE = 2e-6
# The rounding of a cosine. Added to the diagonal, it gives rows that cancel
# each other a solution, and errs by this times the squared weight of a unit
# row: 1e-4 at a weight of 30, where float32 errs as much by itself.
_ROUNDING = float(np.finfo("float32").eps)


def solve(gramian, alpha: float = 1.0):
    """Solves `G @ a = a ** (-1 / alpha)` for `a > 0`.

    Nash's bargain is `alpha = 1`. The solution is the minimum of the convex
    `a @ G @ a / 2 - sum(phi(a))` with `phi' = a ** (-1 / alpha)`, a barrier.
    Newton's steps in relative changes of `a`, each shortened to
    `1 / (1 + c * m)`, `m` the largest relative change and `c = 1` for
    `alpha >= 1`, else `(1 + 1 / alpha) / 2`: each term's second derivative
    then stays below that of a self-concordant function, so that every step
    descends without a line search, and the last ones are full.

    What the rows' lengths do alone is divided out first:
    `a = y * length ** (-2 * alpha / (1 + alpha))`, where `y` is 1 for
    orthogonal rows, and for Nash's bargain depends on the cosines only.

    No solution exists where some positive combination of rows cancels, as
    that of opposite rows: there the weights of these rows grow until the
    direction is next to nothing, for Nash's bargain to about 3000 over their
    lengths, and stay finite. Where, for another `alpha` than 1, rows of very
    different lengths oppose each other, the short one's gain is what is left
    of the long one's, in float32 with a relative error of about
    `1e-7 * ratio ** (abs(alpha - 1) / (alpha + 1))`.

    Args:
        gramian: Float tensor of shape `(num_tasks, num_tasks)`.
        alpha: Float above 0.

    Returns:
        float32 tensor of shape `(num_tasks,)`; 0 for a row of zeros.
    """
    cosines, lengths, inverses = unit_rows(gramian)
    eye = ops.eye(gramian.shape[0], dtype="float32")
    cosines = cosines + _ROUNDING * eye
    is_there = ops.cast(inverses > 0, "float32")
    longest = ops.max(lengths)
    longest = ops.where(longest > 0, longest, 1.0)
    lengths = ops.where(inverses > 0, lengths / longest, 1.0)
    power = 1.0 / alpha
    shape = lengths ** ((alpha - 1.0) / (alpha + 1.0))
    # The Hessian's entries, `y ** (1 + power)`, stay within float32's range.
    bound = 10.0 ** (30.0 / (1.0 + power))
    shortening = max(1.0, (1.0 + power) / 2.0)

    def products(y):
        return shape * ops.matmul(cosines, (y / shape)[:, None])[:, 0]

    def error(y):
        return is_there * (1.0 - y**power * products(y))

    def goes_on(step, y, now, most):
        # Where float32 leaves an error, the steps end with the changes.
        return ops.logical_and(
            ops.max(ops.abs(now)) > _TOLERANCE, most > _TOLERANCE
        )

    def newton(step, y, now, most):
        # Some more of it, for a Hessian that is positive for certain.
        half = y ** ((1.0 + power) / 2.0)
        weight = y ** ((1.0 - power) / 2.0) / shape
        hessian = (
            half[:, None] * (cosines + 2 * _ROUNDING * eye) * half[None, :]
        )
        change = ops.solve(hessian + power * eye, (weight * now)[:, None])
        change = change[:, 0] / weight
        # Beyond what float32 can solve, the last sound solution stands.
        change = ops.where(ops.all(ops.isfinite(change)), change, 0.0)
        most = ops.max(ops.abs(change))
        shortened = change / (1.0 + shortening * most)
        # Rounding may make the greatest fall a fall to zero.
        y = ops.clip(y * ops.maximum(1.0 + shortened, 0.05), 1 / bound, bound)
        return step + 1, y, error(y), most

    # The best common factor of all, where their sum isn't zero.
    spread = is_there / shape
    own = ops.sum(spread * spread)
    sum_squared = ops.sum(spread * ops.matmul(cosines, spread[:, None])[:, 0])
    own = ops.where(own > 0, own, 1.0)
    y = (own / ops.maximum(sum_squared, 1e-3 * own)) ** (1.0 / (1.0 + power))
    y = ops.broadcast_to(y, lengths.shape)
    start = (ops.convert_to_tensor(0, dtype="int32"), y, error(y))
    _, y, _, _ = ops.while_loop(
        goes_on,
        newton,
        (*start, ops.convert_to_tensor(1.0)),
        maximum_iterations=_MOST_STEPS,
    )
    order = -2.0 * alpha / (1.0 + alpha)
    return is_there * y * lengths**order * longest**order


def gains(gramian, weights):
    """Computes each row's gain, `weights * (G @ weights)`, in a bargain.

    It is 1, but where rows cancel each other: the solver's equations then
    leave less. Computed from the product it would be rounding there.

    Args:
        gramian: As of `solve`.
        weights: What `solve` returned, for an `alpha` of 1.

    Returns:
        float32 tensor of shape `(num_tasks,)`, from 0 to 1; 0 for a row of
        zeros.
    """
    _, lengths, _ = unit_rows(gramian)
    lost = _ROUNDING * ops.square(weights * lengths)
    return ops.where(weights > 0, ops.maximum(1.0 - lost, 0.0), 0.0)
