"""Auto-Lambda: weights learned for what they gain on another batch.

Liu et al., TMLR 2022, https://arxiv.org/abs/2202.03091.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing import adam
from mtl_keras.balancing.learned_weights import LearnedWeights
from mtl_keras.balancing.primary_task import PrimaryTask
from mtl_keras.checks import number

# The least weight, as a fraction of the first: a row times 0 tells nothing.
_LEAST = 1e-3


@keras.saving.register_keras_serializable(package="mtl_keras")
class AutoLambda(PrimaryTask, LearnedWeights):
    """Learns weights whose step on one half batch lowers the loss on another.

    The inner problem is `sum w[k] * losses[k]` on one half of the batch, heads
    included; the outer one the primary tasks' losses on the other half after a
    step of the inner problem. To first order in that step, the outer loss
    falls with `w[k]` by the products `G12[k]` of task `k`'s inner gradient
    with the primary tasks' outer ones. Each training step moves `w` by Adam:

        w = max(w + adam(sum_p G12[k, p]), least)

    `G12` is divided by the sum of `|J1[k]| * |J2[k]|`, of the losses without
    `w`, and `least` is a thousandth of `initial_weight`.

    `weights` and `update` speak of rows that `head_weights` multiplied
    already, as in a step: there the weights are 1, and `head_weights` holds
    the learned ones. An absent task keeps its `w`. A row of zeros leaves its
    `w`. Equal and opposite rows cancel as far as their weights are equal.

    Args:
        primary: String, the name of the primary task; `None` for all tasks,
            as in the paper's multi-task setting.
        learning_rate: Float above 0, of `w`. Defaults to 1e-4.
        initial_weight: Float above 0. Defaults to 0.1.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights` and
            `monitor`, as of `GradientBalancer`. `on` may be `"parameters"` or
            `"last_shared"`.

    Note:
        The defaults and Adam are those of the authors' code, which also draws
        both batches from the training data. It takes the outer gradient after
        the inner step, by a second forward pass; ours is that before it, which
        differs by the order of the learning rate, and of the shared variables
        only. The bound from below is ours.
    """

    when_to_use = (
        "Auxiliary tasks for a primary one: those that do not help it on other "
        "examples lose their weight."
    )

    def __init__(
        self,
        primary: str | None = None,
        learning_rate: float = 1e-4,
        initial_weight: float = 0.1,
        **kwargs,
    ):
        super().__init__(primary=primary, learning_rate=learning_rate, **kwargs)
        self.initial_weight = number("initial_weight", initial_weight, above=0)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the weights and Adam's moments.
        """
        weights = np.full(num_tasks, self.initial_weight, "float32")
        return {"task_weights": weights, **adam.initial_state(num_tasks)}

    def _loss_weights(self, state, present):
        return state["task_weights"]

    def _advance(self, step):
        state = step.state
        goal = step.present
        if self._place() is not None:
            place = np.eye(step.num_tasks, dtype="float32")
            goal = goal * place[self._place()]
        gains = ops.matmul(self._cross(step), goal[:, None])[:, 0]
        moves = ops.logical_and(step.present > 0, ops.any(goal > 0))
        change, moments = adam.step(state, -gains, moves, self.learning_rate)
        least = _LEAST * self.initial_weight
        return {
            "task_weights": ops.maximum(state["task_weights"] + change, least),
            **moments,
        }

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "initial_weight": self.initial_weight,
        }
