"""FAMO: fast adaptive multitask optimisation.

Liu et al., NeurIPS 2023, https://arxiv.org/abs/2306.03792.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing import adam
from mtl_keras.balancing.masked import logarithm, softmax, taking_part
from mtl_keras.balancing.weighting_balancer import WeightingBalancer
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class FAMO(WeightingBalancer):
    """Lets all logarithmic losses fall at the same rate.

    With `z = softmax(xi)` and `c = 1 / sum(z / losses)`, minimises
    `c * sum_k z[k] * log(losses[k])`, so `weights = softmax(xi - log(losses))`;
    they sum to 1. After a step that lowered the logarithms of the losses by
    `d`, `xi` moves against `z * (d - sum(z * d)) + gamma * xi`, by Adam: it
    rises for the tasks that gained less than the mean. It starts at 0.

    A task without labels, or with a loss of 0, takes no part in a step and
    leaves its `xi` as it is; its `d` is then that since its last step. No
    gradient is read: a zero, duplicate or opposed row changes no weight.

    Args:
        learning_rate: Float above 0, of Adam's step on `xi`. Defaults to
            0.025, as in the paper.
        gamma: Float of at least 0, how strongly `xi` is drawn to 0. Defaults
            to 0.01, as in the authors' code; the best value in the paper lies
            between 0.001 and 0.01 and depends on the data.
        **kwargs: `smoothing` and `monitor`, as of `WeightingBalancer`.

    Note:
        The paper measures `d` by a second forward pass over the same batch.
        We take it from the losses of the next batch: the step costs nothing
        more and BatchNorm sees each batch once, but `d` carries the noise
        between batches. The authors also clip the shared gradient's norm to 1;
        that is for the optimizer to do (`clipnorm`).
    """

    when_to_use = (
        "Many tasks: close to the gradient methods at the cost of a plain step."
    )
    is_scale_free = True
    needs_losses = True
    needs_positive_losses = True

    def __init__(
        self, learning_rate: float = 0.025, gamma: float = 0.01, **kwargs
    ):
        super().__init__(**kwargs)
        self.learning_rate = number("learning_rate", learning_rate, above=0)
        self.gamma = number("gamma", gamma, low=0)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: `xi`, Adam's moments, the logarithms of
            each task's last losses and whether it has had any.
        """
        names = ("xi", "log", "seen")
        return {
            **{name: np.zeros(num_tasks, "float32") for name in names},
            **adam.initial_state(num_tasks),
        }

    def _weigh(self, step):
        # The losses show what the last step gained, so `xi` moves by them
        # before it weighs them.
        state = self._advance(step)
        return softmax(
            state["xi"] - state["log"], taking_part(step.losses, step.present)
        )

    def _advance(self, step):
        state = step.state
        mask = taking_part(step.losses, step.present)
        log = ops.where(mask, logarithm(step.losses, mask), state["log"])
        moves = ops.logical_and(mask, state["seen"] > 0)
        drop = state["log"] - log
        z = softmax(state["xi"], moves)
        gradient = z * (drop - ops.sum(z * drop)) + self.gamma * state["xi"]
        change, moments = adam.step(state, gradient, moves, self.learning_rate)
        return {
            "xi": state["xi"] + change,
            "log": log,
            "seen": ops.where(mask, 1.0, state["seen"]),
            **moments,
        }

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "learning_rate": self.learning_rate,
            "gamma": self.gamma,
        }
