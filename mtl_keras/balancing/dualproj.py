"""DualProj: the mean gradient, projected on the dual cone of all.

Lopez-Paz & Ranzato, NeurIPS 2017 (GEM), https://arxiv.org/abs/1706.08840, as
an aggregator: Quinton & Rey, 2024, https://arxiv.org/abs/2406.16232.
"""

import keras
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.solvers import dual_cone
from mtl_keras.balancing.solvers.unit_rows import unit_rows


@keras.saving.register_keras_serializable(package="mtl_keras")
class DualProj(GradientBalancer):
    """Takes the direction nearest to the mean gradient that hurts no task.

    Of all `d` with `J @ d >= 0`, returns the one nearest to the mean of the
    rows of `J`: `w @ J`, where `w` minimises `w @ G @ w` over `w >= 1 / m`,
    `m` the number of rows. Without conflict that is the mean itself.

    A row of zeros counts in the mean and changes nothing else. Where no
    direction but 0 suits all rows, as with two opposite rows alone, the
    direction is 0; one shorter than 0.003 of its coefficients is taken for 0,
    since its angles would be rounding. With one row the direction is that
    row.

    Args:
        preference: Dict, task name to positive number: the mean is weighted
            with it. Defaults to `None`, all alike.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.
    """

    when_to_use = (
        "The mean direction is good, and no task may get worse by a step."
    )
    is_conflict_free = True
    takes_preference = True
    solves_in_steps = True

    # Two pivots a task, each over the whole Gramian.
    most_tasks = 256

    def _weigh(self, step):
        cosines, lengths, inverses = unit_rows(step.gramian)
        shares = self._preferences(step) * step.present
        shares = shares / ops.maximum(ops.sum(shares), 1e-30)
        projected = dual_cone.project(cosines, (shares * lengths)[None, :])
        return dual_cone.without_rounding(cosines, projected)[0] * inverses
