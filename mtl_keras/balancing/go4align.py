"""GO4Align: group optimisation for multi-task alignment.

Shen et al., NeurIPS 2024, https://arxiv.org/abs/2404.06486.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.masked import reciprocal, softmax, taking_part
from mtl_keras.balancing.solvers.grouping import group_means
from mtl_keras.balancing.weighting_balancer import WeightingBalancer
from mtl_keras.checks import integer, number


@keras.saving.register_keras_serializable(package="mtl_keras")
class GO4Align(WeightingBalancer):
    """Gives tasks that progress alike the same weight.

    Each task has an indicator `sum(losses) / losses[k] * p[k]`: the first
    factor brings the losses to one scale, the second remembers the risks of
    the steps before, `p[k]` being multiplied by `exp(-step_size * losses[k])`
    at each step and kept at the sum 1. The indicators are put into
    `num_groups` groups, by k-means, and a task's weight is the mean indicator
    of its group.

    A task without labels, or with a loss of 0, takes no part in a step: it is
    in no group and keeps its `p`. With `num_groups` or fewer tasks, each is
    its own group. No gradient is read: a zero, duplicate or opposed row
    changes no weight.

    Args:
        num_groups: Integer of at least 1. The paper takes it from the "elbow"
            of its plots: 2 for 3 tasks, 5 for 11. Defaults to 2.
        step_size: Float of at least 0, how much a step's losses move `p`.
            Over a long training the task with the least loss gains: `p` is
            not drawn back. Defaults to 1e-4, as in the authors' code.
        **kwargs: `smoothing` and `monitor`, as of `WeightingBalancer`.

    Raises:
        ValueError: If an argument is out of range.

    Note:
        The authors run Lloyd's iterations from random centres; numbers on a
        line can be grouped exactly, so we do, and nothing is drawn.
    """

    when_to_use = "Many tasks that fall into groups which progress alike."
    is_scale_free = True
    needs_losses = True
    needs_positive_losses = True

    def __init__(self, num_groups: int = 2, step_size: float = 1e-4, **kwargs):
        super().__init__(**kwargs)
        self.num_groups = integer("num_groups", num_groups, low=1)
        self.step_size = number("step_size", step_size, low=0)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the logarithms of `p`.
        """
        return {"log_p": np.full(num_tasks, -np.log(num_tasks), "float32")}

    def _weigh(self, step):
        state, losses = step.state, step.losses
        mask = taking_part(losses, step.present)
        # As the authors do, the risk of this step counts already.
        state = self._advance(step)
        p = softmax(state["log_p"], mask)
        indicators = ops.sum(ops.where(mask, losses, 0.0)) * p
        indicators = indicators * reciprocal(losses, mask)
        return group_means(indicators, mask, self.num_groups)

    def _advance(self, step):
        state = step.state
        mask = taking_part(step.losses, step.present)
        moved = state["log_p"] - self.step_size * step.losses
        # Those that take part keep the sum that they had together.
        correction = _log_sum(state["log_p"], mask) - _log_sum(moved, mask)
        return {"log_p": ops.where(mask, moved + correction, state["log_p"])}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_groups": self.num_groups,
            "step_size": self.step_size,
        }


def _log_sum(logits, mask):
    top = ops.max(ops.where(mask, logits, -3.4e38))
    powers = ops.exp(ops.where(mask, logits - top, 0.0))
    powers = ops.sum(ops.where(mask, powers, 0.0))
    return top + ops.log(ops.maximum(powers, 1.0))
