"""MGDA: multi-task learning as multi-objective optimisation.

Sener & Koltun, NeurIPS 2018, https://arxiv.org/abs/1810.04650.
"""

import keras
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.masked import reciprocal, taking_part
from mtl_keras.balancing.solvers.min_norm import min_norm
from mtl_keras.balancing.solvers.unit_rows import unit_rows

_NORMALIZATIONS = (None, "l2", "loss", "loss+")


@keras.saving.register_keras_serializable(package="mtl_keras")
class MGDA(GradientBalancer):
    """Goes along the shortest convex combination of the tasks' gradients.

    With `G = J @ J.T`, the weights `w` minimise `w @ G @ w` on the simplex;
    the direction is `w @ J`. Its product with each row is at least its own
    squared length, so that no task is harmed, and it is zero where the tasks
    are Pareto-stationary.

    The shortest row has the greatest say: with a zero row the direction is
    zero, with two opposite rows as well. Duplicate rows share their weight.

    Args:
        normalization: What the rows are divided by while `w` is sought, or
            `None`, as in the paper: `"l2"` for their lengths, `"loss"` for
            their losses, `"loss+"` for both. `w` then weighs the rows as they
            were, and the direction may harm a task.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.
            `on="features"` is the paper's MGDA-UB.

    Note:
        `normalization` is of the authors' code, which says itself that it is
        not in the paper. A solver by Frank and Wolfe, as in the paper, stops
        far from the optimum on many conflicting rows; ours is exact to
        float32. A task whose loss is zero
        takes no part where the loss is divided by.
    """

    when_to_use = "No task may get worse; expect the smallest gradient to rule."
    # 2 seconds a step of 1,000 tasks.
    most_tasks = 256
    is_conflict_free = True
    solves_in_steps = True

    def __init__(self, normalization: str | None = None, **kwargs):
        super().__init__(**kwargs)
        if normalization not in _NORMALIZATIONS:
            raise ValueError(
                "`normalization` must be None, 'l2', 'loss' or 'loss+'. "
                f"Received: normalization={normalization!r}"
            )
        self.normalization = normalization
        self.needs_losses = normalization in ("loss", "loss+")
        self.needs_positive_losses = self.needs_losses

    def _weigh(self, step):
        gramian, present = step.gramian, step.present
        if self.normalization in ("l2", "loss+"):
            gramian, _, _ = unit_rows(gramian)
        if self.needs_losses:
            mask = taking_part(step.losses, present)
            present = ops.cast(mask, "float32")
            scales = reciprocal(step.losses, mask)
            # Only their ratios matter, and their squares must stay finite.
            top = ops.max(scales)
            scales = scales / ops.where(top > 0, top, 1.0)
            gramian = gramian * scales[:, None] * scales[None, :]
        return min_norm(gramian, present)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "normalization": self.normalization}
