"""STCH: smooth Tchebycheff scalarisation.

Lin et al., ICML 2024, https://arxiv.org/abs/2402.19078.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.masked import (
    logarithm,
    reciprocal,
    softmax,
    taking_part,
)
from mtl_keras.balancing.weighting_balancer import WeightingBalancer
from mtl_keras.checks import integer, number


@keras.saving.register_keras_serializable(package="mtl_keras")
class STCH(WeightingBalancer):
    """Minimises a smooth maximum of the losses, each over its nadir.

    With `nadir` the tasks' mean losses over the epoch that follows a warm-up,
    and `p` the preference, the objective is
    `mu * log(sum_k exp(log(p[k] * losses[k] / nadir[k]) / mu))`, so
    `weights = softmax(log(p * losses / nadir) / mu) / losses`. Until the nadir
    is known it is the mean of the logarithms, what it tends to for a large
    `mu`: `weights[k] = 1 / (K * losses[k])` over the `K` tasks that take part.

    The epochs are those of `fit`, or whatever lies between two calls of
    `on_epoch_end`. A task that has no labels while the nadir is measured gets
    its nadir in the first epoch in which it has some, and stands at
    `losses / nadir = 1` until then. A loss of 0 takes no part in a step. No
    gradient is read: a zero, duplicate or opposed row changes no weight.

    Args:
        mu: Float above 0. The smaller, the more the task that is worst off
            over its nadir takes all the weight. Defaults to 1.
        warmup_epochs: Integer of at least 0, epochs before the one that
            measures the nadir. Defaults to 4.
        preference: Dict, task name to positive number, `p`; 1 where it is
            left out. Its scale does not matter, nor does it during the
            warm-up.
        **kwargs: `smoothing` and `monitor`, as of `WeightingBalancer`.

    Raises:
        ValueError: If an argument is out of range.

    Note:
        `mu` and the warm-up are the defaults of the authors' code, which
        multiplies the objective by `K` throughout. The paper's preference
        multiplies `f - z`, the distance to the ideal point; after the
        logarithm that distance is negative for a task below its nadir, and a
        factor would turn the preference round, so ours stands inside the
        logarithm, on `losses / nadir`, whose ideal is 0.
    """

    when_to_use = "You want a certain trade-off (`preference`), convex or not."
    is_scale_free = True
    needs_losses = True
    needs_positive_losses = True
    takes_preference = True

    def __init__(
        self,
        mu: float = 1.0,
        warmup_epochs: int = 4,
        *,
        preference=None,
        **kwargs,
    ):
        super().__init__(preference=preference, **kwargs)
        self.mu = number("mu", mu, above=0)
        self.warmup_epochs = integer("warmup_epochs", warmup_epochs, low=0)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the epochs that are over, the running
            mean and count of this one, and the nadir, 0 where it is unknown.
        """
        names = ("mean", "count", "nadir")
        return {
            "epoch": np.zeros((), "int32"),
            **{name: np.zeros(num_tasks, "float32") for name in names},
        }

    def on_epoch_end(self) -> None:
        """Counts the epoch, and takes the nadir where it has been measured."""
        if not self._variables:
            return
        state = self.state(self._variables["mean"].shape[0])
        measures = ops.logical_and(
            state["epoch"] >= self.warmup_epochs, state["count"] > 0
        )
        takes = ops.logical_and(measures, state["nadir"] == 0)
        moved = {
            "epoch": state["epoch"] + 1,
            "nadir": ops.where(takes, state["mean"], state["nadir"]),
            "mean": ops.zeros_like(state["mean"]),
            "count": ops.zeros_like(state["count"]),
        }
        for name, value in moved.items():
            self._variables[name].assign(value)

    def _weigh(self, step):
        losses = step.losses
        mask = taking_part(losses, step.present)
        part = ops.cast(mask, "float32")
        known = step.state["nadir"] > 0
        level = logarithm(losses, mask) - logarithm(step.state["nadir"], known)
        level = ops.where(known, level, 0.0)
        level = level + ops.log(self._preferences(step))
        smooth = softmax(level, mask, self.mu)
        equal = part / ops.maximum(ops.sum(part), 1.0)
        shares = ops.where(ops.any(known), smooth, equal)
        return shares * reciprocal(losses, mask)

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
        return {
            **super().get_config(),
            "mu": self.mu,
            "warmup_epochs": self.warmup_epochs,
        }
