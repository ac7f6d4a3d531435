"""The direction of ConFIG."""

from keras import ops

from mtl_keras.balancing.solvers.pseudo_inverse import least_squares
from mtl_keras.balancing.solvers.unit_rows import unit_rows


def equal_cosines(gramian, target):
    """Finds the weights of the direction with given ratios of its cosines.

    Args:
        gramian: Float tensor of shape `(num_tasks, num_tasks)`; a row of zeros
            takes no part.
        target: Float tensor of shape `(num_tasks,)`, above 0: the ratios of
            the cosines with the rows.

    Returns:
        float32 tensor of shape `(num_tasks,)`. The direction's length is the
        sum of the rows' projections on it; all are 0 where the rows cancel.
    """
    cosines, lengths, inverses = unit_rows(gramian)
    target = ops.where(inverses > 0, target, 0.0)
    x, _, is_any_met = least_squares(cosines, target)
    products = ops.matmul(cosines, x[:, None])[:, 0]
    squared = ops.sum(x * products)
    is_any_met = ops.logical_and(is_any_met, squared > 0)
    # The sum of the projections over the length of `x @ U`.
    factor = ops.sum(lengths * products) / ops.where(is_any_met, squared, 1.0)
    # The factor first: with the inverse it may leave float32's range.
    return ops.where(is_any_met, x * (factor * inverses), 0.0)
