"""IMTL-G: impartial multi-task learning on the gradients.

Liu et al., ICLR 2021, https://openreview.net/forum?id=IMPnRXEWpvr.
"""

import keras
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.solvers.pseudo_inverse import least_squares
from mtl_keras.balancing.solvers.unit_rows import unit_rows


@keras.saving.register_keras_serializable(package="mtl_keras")
class IMTLG(GradientBalancer):
    """Gives the direction the same projection on every task's unit gradient.

    Finds weights `a` of sum 1 with `U @ (a @ J)` the same in each entry, `U`
    the rows of `J` at length one. The paper writes them as
    `a[1:] = g0 @ Un.T @ inv(D @ Un.T)`, with the differences `D` and `Un` of
    the first row, and unit row, to the others; ours are
    `a = x / lengths / sum(x / lengths)` with `cosines @ x = 1`, the same where
    the inverse exists. A weight may be negative.

    A row of zeros has no direction and the weight 0. Duplicates share a
    weight. Where only 0 has the same projection on all, as with opposite rows
    or more rows than dimensions, every weight is 0 and the shared variables
    rest. One row: the row itself.

    Rows less than about 0.1 degrees apart are told apart by large weights of
    both signs, which leave an error of about 1e-3.

    Args:
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`. By default
            gradients are compared at the features, as in the paper.

    Note:
        Where `sum(x / lengths)` is negative, the paper's normalisation turns
        the direction against every task. We keep the one that descends for
        all, with weights of sum -1.
    """

    when_to_use = (
        "The length of a gradient shall not count: equal projections on all "
        "of them."
    )
    # A decomposition of the Gramian: 13 seconds a step of 1,000 tasks.
    most_tasks = 256
    levels = ("features", "parameters", "last_shared")

    def _weigh(self, step):
        cosines, _, inverses = unit_rows(step.gramian)
        target = ops.cast(inverses > 0, "float32")
        x, is_met, _ = least_squares(cosines, target)
        # The longest row's is the unit: a sum may leave float32's range.
        longest = ops.min(ops.where(inverses > 0, inverses, 3e38))
        weights = x * (inverses / ops.where(longest < 3e38, longest, 1.0))
        # A sum that nearly cancels would make the step as long as it likes.
        least = 1e-6 * ops.sum(ops.abs(weights))
        total = ops.maximum(ops.abs(ops.sum(weights)), least)
        is_met = ops.logical_and(is_met, total > 0)
        return ops.where(
            is_met, weights / ops.where(total > 0, total, 1.0), 0.0
        )
