"""Weights of the losses, learned by Adam for what they do on another batch.

The two levels share what a step has: one half of the batch is the inner
problem's, the other one the outer problem's.
"""

import abc
import dataclasses

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.solvers.half_batches import unit_cross, unweighted
from mtl_keras.checks import number


class LearnedWeights(GradientBalancer):
    """Multiplies whole losses, heads included, by weights of its state.

    A method implements `_loss_weights` and moves its state in `_advance`, by
    the products that `_cross` returns.

    Args:
        learning_rate: Float above 0, of what Adam moves.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights` and
            `monitor`, as of `GradientBalancer`.
    """

    levels = ("parameters", "last_shared")
    needs_halves = True
    # Learned in small steps.
    takes_smoothing = False

    def __init__(self, learning_rate: float, **kwargs):
        super().__init__(**kwargs)
        self.learning_rate = number("learning_rate", learning_rate, above=0)

    @abc.abstractmethod
    def _loss_weights(self, state, present):
        """Returns the learned weights, of shape `(num_tasks,)`; pure.

        `present` may be the factor of a task's loss in the place of 1.
        """

    def head_weights(self, losses=None, present=None):
        """Returns the learned weights, which multiply the whole losses.

        Args:
            losses: Float tensor of shape `(num_tasks,)`.
            present: As of `weights`.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.
        """
        present = super().head_weights(losses, present)
        return present * self._loss_weights(
            self.state(present.shape[0]), present
        )

    def _weigh(self, step):
        return step.present

    def _cross(self, step):
        """Returns `unit_cross` of the losses without their weights."""
        weights = self._loss_weights(step.state, step.present)
        halves = unweighted(step.halves, weights)
        return unit_cross(dataclasses.replace(step, halves=halves))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "learning_rate": self.learning_rate}
