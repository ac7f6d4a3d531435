"""GradNorm: gradient normalisation for adaptive loss balancing.

Chen et al., ICML 2018, https://arxiv.org/abs/1711.02257.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing import adam
from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class GradNorm(GradientBalancer):
    """Learns weights that bring the tasks' gradients to lengths they earn.

    With `lengths[k] = |w[k] * J[k]|` and the relative inverse training rates
    `r = (losses / first) / mean(losses / first)`, `first` the losses first
    seen, each step moves `w` down the gradient of
    `sum |lengths - mean(lengths) * r ** alpha|`, the target held fixed, then
    brings it back to the sum `K`. The objective is `sum w[k] * losses[k]`,
    so the heads are weighted as well (`head_weights`), with the `w` before
    the step, which starts at 1.

    `weights` and `update` speak of rows that `head_weights` multiplied
    already, as in a step: there the weights are 1, and `head_weights` holds
    the learned ones. `combine` takes the plain rows.

    A task that is absent keeps its `w`, and the others' keep their sum; its
    first loss is the first above zero that it ever has. A row of zeros is
    shorter than its target: its weight rises. Equal and opposite rows cancel.

    Args:
        alpha: Float of at least 0. How strongly tasks that lag behind are
            pulled up; 0 makes all gradients equally long. Defaults to 1.5.
        learning_rate: Float above 0, of `w`. Defaults to 0.025.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            and `monitor`, as of `GradientBalancer`; `on` defaults to
            `"last_shared"`, as in the paper.

    Note:
        The optimiser of `w` is our choice: Adam, on the gradient in units of
        the mean length, so that the unit of the losses is without effect. A
        weight that a step would make negative is zero.
    """

    when_to_use = "Tasks learn at different speeds; the classic choice."
    levels = ("last_shared", "parameters", "features")
    needs_losses = True
    needs_positive_losses = True
    # Learned in small steps.
    takes_smoothing = False

    def __init__(
        self, alpha: float = 1.5, learning_rate: float = 0.025, **kwargs
    ):
        super().__init__(**kwargs)
        self.alpha = number("alpha", alpha, low=0, high=10)
        self.learning_rate = number(
            "learning_rate", learning_rate, above=0, high=1
        )

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.
        """
        return {
            "task_weights": np.ones(num_tasks, "float32"),
            "first_losses": np.zeros(num_tasks, "float32"),
            **adam.initial_state(num_tasks),
        }

    def head_weights(self, losses=None, present=None):
        """Returns the learned weights, which multiply the whole losses.

        Args:
            losses: Float tensor of shape `(num_tasks,)`.
            present: As of `weights`.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.
        """
        present = super().head_weights(losses, present)
        return present * self.state(present.shape[0])["task_weights"]

    def _weigh(self, step):
        return step.present

    def _advance(self, step):
        state, losses = step.state, step.losses
        old, first = state["task_weights"], state["first_losses"]
        is_new = ops.logical_and(first <= 0, losses > 0)
        first = ops.where(
            ops.logical_and(step.present > 0, is_new), losses, first
        )
        takes_part = ops.logical_and(step.present > 0, first > 0)
        mask = ops.cast(takes_part, "float32")
        count = ops.maximum(ops.sum(mask), 1.0)
        rates = losses / ops.where(takes_part, first, 1.0)
        rates = mask * ops.clip(rates, 0.0, 1e30)
        mean_rate = ops.sum(rates) / count
        rates = rates / ops.where(mean_rate > 0, mean_rate, 1.0)
        lengths = mask * ops.sqrt(ops.maximum(ops.diagonal(step.gramian), 0.0))
        mean = ops.sum(lengths / count)
        lengths = lengths / ops.where(mean > 0, mean, 1.0)
        # In units of the mean length, the target is r ** alpha.
        excess = ops.where(mean > 0, lengths - rates**self.alpha, 0.0)
        # d lengths / d w is the length of the plain gradient, which a weight
        # of zero hides; then a mean one stands for it.
        slopes = ops.where(old > 0, lengths / ops.where(old > 0, old, 1.0), 1.0)
        # So does it for a row of zeros, whose weight would never move.
        slopes = ops.where(slopes > 0, slopes, 1.0)
        gradient = ops.sign(excess) * slopes
        change, moments = adam.step(
            state, gradient, takes_part, self.learning_rate
        )
        moved = mask * ops.maximum(old + change, 0.0)
        total = ops.sum(moved)
        factor = ops.sum(mask * old) / ops.where(total > 0, total, 1.0)
        is_sound = ops.logical_and(takes_part, total > 0)
        return {
            "task_weights": ops.where(is_sound, moved * factor, old),
            "first_losses": first,
            **moments,
        }

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "learning_rate": self.learning_rate,
        }
