"""Projection on the dual cone: the nearest direction no row conflicts with."""

import numpy as np
from keras import ops

# Times the number of rows, added to the cosines' diagonal where they are
# inverted: rows that depend on each other have an inverse, and the error of a
# hundred pivots stays small. It does not move the solution, since each pivot
# starts from what is left with the cosines themselves (a proximal step).
_RIDGE = 5e-7
# A product of unit vectors this near to zero is rounding.
_TOLERANCE = 2e-6
_ROUNDING = 1e-7


def project(cosines, wanted):
    """Projects combinations of the rows on the dual cone of the rows.

    Of all directions `d` with `J @ d >= 0`, the one nearest to `u @ J` is
    `v @ J`, where `v` minimises `v @ C @ v` over `v >= u`. It satisfies
    `C @ v >= 0`, `v >= u` and `(v - u) @ C @ v = 0`, for each row `u` of
    `wanted`.

    Lawson and Hanson's active set (Solving Least Squares Problems, 1974), one
    pivot at a time for all rows of `wanted` at once. A pivot is a principal
    one on a copy of `C`: an update of rank one, which every backend compiles
    to a single loop, where a batch of factorisations would cost ten times as
    much under XLA.

    Where every direction hurts some row, the projection is the origin, and
    `v @ C @ v` is zero but for rounding. Rows that oppose each other but for
    an angle `e` make `v` as large as `1 / e`: float32 then leaves conditions
    unmet by about `2e-7 * max(v)`.

    Args:
        cosines: Float tensor `C` of shape `(num_rows, num_rows)`, of
            `unit_rows`; a row of zeros is no constraint.
        wanted: Float tensor of shape `(num_directions, num_rows)`,
            coefficients of the unit rows.

    Returns:
        float32 tensor `v`, of the shape of `wanted`.
    """
    top = ops.max(ops.abs(wanted), axis=1, keepdims=True)
    top = ops.where(top > 0, top, 1.0)
    wanted = wanted / top
    extra = multipliers(cosines, ops.matmul(wanted, cosines), wanted)
    return (wanted + extra) * top


def multipliers(cosines, products, wanted=0.0):
    """Minimises `e @ C @ e / 2 + products @ e` over `e >= 0`.

    That is the projection on an intersection of half-spaces: of all `d` whose
    products with the unit rows are at least `bounds`, the one nearest to `d0`
    is `d0 + e @ U`, with `products = U @ d0 - bounds`.

    Args:
        cosines: As of `project`.
        products: Float tensor of shape `(num_directions, num_rows)`, about as
            large as 1.
        wanted: Float tensor of that shape, the coefficients of `d0` whose
            rounding the products carry. Defaults to 0.

    Returns:
        float32 tensor `e`, of that shape. Where no `d` meets all bounds, `e`
        grows until the pivots end, and `products + e @ C` stays below 0.
    """
    linear = products
    size, many = cosines.shape[0], products.shape[0]
    tableau = cosines + size * _RIDGE * np.eye(size, dtype="float32")

    def goes_on(step, moves, *_):
        return ops.logical_and(moves, step < 2 * size + 30)

    def pivot(step, _, tableau, extra, is_free):
        """Moves one variable of each problem in or out of the free ones."""
        products = linear + ops.matmul(extra, cosines)
        free_products = products * is_free
        newton = _times(tableau, free_products)
        # What the free variables would be, and the others' products then.
        target = ops.where(is_free > 0, extra, products) - newton
        goal = target * is_free
        others = target - goal
        share = _share_of_step(extra, goal, is_free)
        leaves = ops.min(share, axis=1, keepdims=True) <= 1.0
        tolerance = _TOLERANCE + _ROUNDING * ops.sqrt(
            ops.sum(ops.square(wanted + extra), axis=1, keepdims=True)
        )
        enters = ops.min(others, axis=1, keepdims=True) < -tolerance
        place = ops.argmin(ops.where(leaves, share, others), axis=1)
        chosen = ops.one_hot(place, size, dtype="float32")
        moves = ops.logical_or(leaves, enters)
        is_rough = ops.max(ops.abs(free_products), axis=1, keepdims=True)

        share = ops.minimum(ops.min(share, axis=1, keepdims=True), 1.0)
        extra = extra + share * (goal - extra)
        extra = ops.maximum(extra, 0.0)
        extra = ops.where(leaves, extra * (1.0 - chosen), extra)
        row = ops.take(
            ops.reshape(tableau, (many * size, size)), place + first, axis=0
        )
        tableau = tableau - _exchange(row, chosen, is_free, leaves, moves)
        is_free = ops.where(moves, ops.abs(is_free - chosen), is_free)
        unfinished = ops.logical_or(moves, is_rough > tolerance)
        return step + 1, ops.any(unfinished), tableau, extra, is_free

    first = size * np.arange(many, dtype="int32")
    start = (
        ops.convert_to_tensor(0, dtype="int32"),
        ops.convert_to_tensor(True),
        ops.broadcast_to(tableau, (many, size, size)),
        ops.zeros((many, size)),
        ops.zeros((many, size)),
    )
    *_, extra, _ = ops.while_loop(goes_on, pivot, start)
    return extra


def without_rounding(cosines, projected):
    """Sets to 0 the projections whose length is rounding.

    The length of `v @ J` is known to about `sqrt(1e-7)` of that of `v`. What
    is shorter than ten times that has no direction to speak of.

    Args:
        cosines: As of `project`.
        projected: What `project` returned.

    Returns:
        float32 tensor of the same shape.
    """
    # Divided by the largest: a square may leave float32's range.
    top = ops.max(ops.abs(projected), axis=1, keepdims=True)
    scaled = projected / ops.where(top > 0, top, 1.0)
    squared = ops.sum(
        scaled * ops.matmul(scaled, cosines), axis=1, keepdims=True
    )
    whole = ops.sum(ops.square(scaled), axis=1, keepdims=True)
    return ops.where(squared > 1e-5 * whole, projected, 0.0)


def _times(matrices, vectors):
    return ops.matmul(matrices, vectors[:, :, None])[:, :, 0]


def _share_of_step(extra, goal, is_free):
    """How far each free variable may go to its goal; 2 if all the way."""
    ends = ops.logical_and(is_free > 0, goal <= 0)
    return ops.where(ends, extra / ops.where(ends, extra - goal, 1.0), 2.0)


def _exchange(row, chosen, is_free, leaves, moves):
    """What a principal pivot, variable for product, takes off the tableau."""
    # But for the signs of what is free, the tableau is symmetric.
    column = ops.where(leaves, -row, row) * (1.0 - 2.0 * is_free)
    pivot = ops.sum(row * chosen, axis=1, keepdims=True)
    row = ops.where(moves, (row - chosen) / pivot, 0.0)
    return (column + chosen)[:, :, None] * row[:, None, :]
