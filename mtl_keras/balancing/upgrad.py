"""UPGrad: unconflicting projection of gradients.

Quinton & Rey, 2024, https://arxiv.org/abs/2406.16232 (Jacobian Descent).
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.solvers import dual_cone
from mtl_keras.balancing.solvers.unit_rows import unit_rows


@keras.saving.register_keras_serializable(package="mtl_keras")
class UPGrad(GradientBalancer):
    """Averages the gradients after each is freed of its conflicts with all.

    Projects each row of `J` on the dual cone of the rows, the directions `d`
    with `J @ d >= 0`, and returns the mean of the projections. So it hurts no
    task to first order, and grows with each row's length. For two tasks it is
    half of PCGrad's direction.

    A row of zeros counts in the mean and changes nothing else. Where no
    direction but 0 suits all rows, as with two opposite rows alone, the
    direction is 0; a projection shorter than 0.003 of its coefficients is
    taken for 0, since its angles would be rounding. With one row the
    direction is that row.

    Args:
        preference: Dict, task name to positive number: the mean is weighted
            with it. Defaults to `None`, all alike.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.
    """

    when_to_use = "No task may get worse, and each shall count by its length."
    is_conflict_free = True
    takes_preference = True
    solves_in_steps = True

    # A tableau of all tasks for each: numbers cubed.
    most_tasks = 256

    def _weigh(self, step):
        cosines, lengths, inverses = unit_rows(step.gramian)
        # The cone depends on directions only: whatever the lengths, the
        # problem is that of unit rows.
        every = np.eye(step.num_tasks, dtype="float32")
        projected = dual_cone.project(cosines, every)
        projected = dual_cone.without_rounding(cosines, projected)
        shares = self._preferences(step) * step.present
        shares = shares / ops.maximum(ops.sum(shares), 1e-30)
        mean = ops.matmul((shares * lengths)[None, :], projected)[0]
        return mean * inverses
