"""The inner problem of CAGrad for many tasks, by products with a matrix.

An interior-point step solves a linear system, whose cost grows with the cube
of the number of tasks: at 139 tasks twenty of them cost more than a small
model's step, and at 1,000 tasks seconds. Here each step costs one product of
the Gramian with a vector.
"""

from keras import ops

_STEPS = 120
# Of the greatest eigenvalue, by the power method, with a margin.
_POWERS = 12
_MARGIN = 1.1
# Rounds that find which weights are zero; each leaves fewer.
_ROUNDS = 12


def path(cosines, gains, a, c, least: float):
    """Minimises `v @ gains + c * sqrt(v @ C @ v)` for `v >= 0`, `v @ a = 1`.

    It is the dual of the problem that `cagrad._path` solves. Accelerated
    projected gradient descent (Beck & Teboulle, 2009) with restarts
    (O'Donoghue & Candes, 2015); the step is that of the curvature at the
    current point. The best point of all steps is returned.

    Args:
        cosines: Float tensor `C` of shape `(num_tasks, num_tasks)`.
        gains: Float tensor of shape `(num_tasks,)`.
        a: Float tensor of shape `(num_tasks,)`, 0 for a row that takes no
            part.
        c: Float.
        least: Float, the least `sqrt(v @ C @ v)` that is divided by.

    Returns:
        Tuple of `v` and `y = c * v / sqrt(v @ C @ v)`.
    """
    takes_part = ops.cast(a > 0, "float32")
    gains = gains * takes_part
    steepest = _MARGIN * _greatest_eigenvalue(cosines, takes_part)
    start = a / ops.sum(a * a)

    def length(vector, product):
        square = ops.maximum(ops.sum(vector * product), 0.0)
        return ops.maximum(ops.sqrt(square), least)

    def objective(vector, product):
        return ops.sum(vector * gains) + c * length(vector, product)

    def step(_, state):
        v, product, before, product_before, time, best, best_value = state
        next_time = 0.5 * (1.0 + ops.sqrt(1.0 + 4.0 * time * time))
        momentum = (time - 1.0) / next_time
        z = v + momentum * (v - before)
        product_z = product + momentum * (product - product_before)
        scale = length(z, product_z)
        # The gradient times the length of a step.
        move = (scale * gains / c + product_z) / steepest
        moved = _projected((z - move) * takes_part, a)
        product_moved = ops.matmul(cosines, moved[:, None])[:, 0]
        value = objective(moved, product_moved)
        is_better = value < best_value
        best = ops.where(is_better, moved, best)
        best_value = ops.where(is_better, value, best_value)
        # Where the momentum leads uphill, it starts anew.
        is_uphill = ops.sum((z - moved) * (moved - v)) > 0
        next_time = ops.where(is_uphill, 1.0, next_time)
        return moved, product_moved, v, product, next_time, best, best_value

    product = ops.matmul(cosines, start[:, None])[:, 0]
    one = ops.ones((), "float32")
    state = (start, product, start, product, one, start)
    state = (*state, objective(start, product))
    v = ops.fori_loop(0, _STEPS, step, state)[5]
    product = ops.matmul(cosines, v[:, None])[:, 0]
    return v, c * v / length(v, product)


def _greatest_eigenvalue(cosines, takes_part):
    size = cosines.shape[0]

    def multiply(_, vector):
        product = ops.matmul(cosines, vector[:, None])[:, 0]
        norm = ops.sqrt(ops.sum(product * product))
        return product / ops.where(norm > 0, norm, 1.0)

    # Neither even nor aligned with any one row.
    start = takes_part * (1.0 + ops.cos(ops.arange(size, dtype="float32")))
    vector = ops.fori_loop(0, _POWERS, multiply, start)
    product = ops.matmul(cosines, vector[:, None])[:, 0]
    return ops.maximum(ops.sum(vector * product), 1.0)


def _projected(z, a):
    """Finds the nearest `v >= 0` with `v @ a = 1` (Michelot, 1986)."""

    def shift_of(is_free):
        squares = ops.sum(is_free * a * a)
        excess = ops.sum(is_free * a * z) - 1.0
        return excess / ops.where(squares > 0, squares, 1.0)

    def fewer(_, is_free):
        above = ops.cast(z > shift_of(is_free) * a, "float32")
        return is_free * above

    is_free = ops.fori_loop(0, _ROUNDS, fewer, ops.cast(a > 0, "float32"))
    v = ops.maximum(z - shift_of(is_free) * a, 0.0) * is_free
    total = ops.sum(v * a)
    return v / ops.where(total > 0, total, 1.0)
