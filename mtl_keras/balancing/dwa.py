"""DWA: dynamic weight average.

Liu, Johns & Davison, CVPR 2019, https://arxiv.org/abs/1803.10704.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.masked import softmax, taking_part
from mtl_keras.balancing.weighting_balancer import WeightingBalancer
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class DWA(WeightingBalancer):
    """Gives more weight to the tasks whose loss falls slowly, by epoch.

    With `last` and `before` the tasks' mean losses over the last epoch and the
    one before, `weights = K * softmax((last / before) / temperature)` over the
    `K` tasks with labels: they sum to `K`. In the first two epochs, all are 1.

    The epochs are those of `fit`, or whatever lies between two calls of
    `on_epoch_end`. A step in which a task has no labels, or a loss of 0 or
    less, does not count for its mean; an epoch without a step that counts
    leaves its means as they are; a task without two means has the ratio 1. No
    gradient is read: a zero, duplicate or opposed row changes no weight.

    Args:
        temperature: Float of at least 1e-30, the paper's `T`. The greater,
            the more equal the weights. Defaults to 2, as in the paper.
        **kwargs: `smoothing` and `monitor`, as of `WeightingBalancer`.
    """

    when_to_use = (
        "A cheap baseline that follows how fast each loss falls from epoch to "
        "epoch."
    )
    is_scale_free = True
    needs_losses = True
    needs_positive_losses = True

    def __init__(self, temperature: float = 2.0, **kwargs):
        super().__init__(**kwargs)
        self.temperature = number("temperature", temperature, low=1e-30)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the running mean and count of this
            epoch, and the means of the last two, 0 before they exist.
        """
        names = ("mean", "count", "last", "before")
        return {name: np.zeros(num_tasks, "float32") for name in names}

    def on_epoch_end(self) -> None:
        """Moves the means on by an epoch."""
        if not self._variables:
            return
        state = self.state(self._variables["mean"].shape[0])
        had_steps = state["count"] > 0
        moved = {
            "before": ops.where(had_steps, state["last"], state["before"]),
            "last": ops.where(had_steps, state["mean"], state["last"]),
            "mean": ops.zeros_like(state["mean"]),
            "count": ops.zeros_like(state["count"]),
        }
        for name, value in moved.items():
            self._variables[name].assign(value)

    def _weigh(self, step):
        last, before = step.state["last"], step.state["before"]
        known = ops.logical_and(last > 0, before > 0)
        ratio = ops.where(known, last / ops.where(known, before, 1.0), 1.0)
        # An infinite ratio would make the softmax undefined.
        ratio = ops.minimum(ratio, 1e30)
        shares = softmax(ratio, step.present > 0, self.temperature)
        return ops.sum(step.present) * shares

    def _advance(self, step):
        state, losses = step.state, step.losses
        # A running mean: a sum of an epoch's losses may leave the range.
        counts = ops.cast(taking_part(losses, step.present), "float32")
        count = state["count"] + counts
        gain = counts / ops.maximum(count, 1.0)
        mean = state["mean"] + gain * (losses - state["mean"])
        return {**state, "mean": mean, "count": count}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "temperature": self.temperature}
