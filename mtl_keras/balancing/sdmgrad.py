"""SDMGrad: direction-oriented multi-objective learning, stochastic.

Xiao, Ban & Ji, NeurIPS 2023, https://arxiv.org/abs/2305.18409.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.simplex_weights import among_present, moved_on
from mtl_keras.balancing.solvers import simplex
from mtl_keras.balancing.solvers.half_batches import unit_cross
from mtl_keras.checks import integer, number


@keras.saving.register_keras_serializable(package="mtl_keras")
class SDMGrad(GradientBalancer):
    """Moves weights towards the shortest mean, near a chosen direction.

    With `G12 = J1 @ J2.T`, the products of one half batch's gradients with
    the other's, and the preference `p` on the simplex, each step moves `w`,
    kept from step to step, `steps` times down the slope of
    `|w @ J + pull * p @ J|^2 / 2`:

        velocity = momentum * velocity + G12 @ (w + pull * p)
        w = project(w - learning_rate * velocity)

    on the simplex, from equal weights; the velocity starts at 0 in each step.
    The direction is `(w + pull * p) @ J / (1 + pull)`. Since the noise of two
    halves is independent, the slope has no bias.

    `G12` is divided by the sum of `|J1[k]| * |J2[k]|`, so that a learning rate
    of 1 is stable whatever the losses' scale. An absent task keeps its weight,
    and the others share the rest. A row of zeros draws the weight, as
    in `mgda`, and the pull keeps the rest of the direction.

    Args:
        pull: Float of at least 0, the paper's `lambda`: how strongly the
            direction is pulled to `p @ J`; 0 is a stochastic `mgda`. Defaults
            to 0.3.
        learning_rate: Float above 0, of the weights. Defaults to 1.
        momentum: Float in [0, 1). Defaults to 0.5.
        steps: Integer of at least 1, steps of the weights for each training
            step. Defaults to 20.
        preference: Dict, task name to positive number: `p`, brought to the sum
            1. Defaults to `None`, all alike.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`. `on` may be
            `"parameters"` or `"last_shared"`: examples share no feature, so
            that gradients of two halves there have nothing in common.

    Note:
        The paper draws a third batch for the direction; ours is that of the
        whole batch. The other defaults are those of the authors' experiments.
        They divide `G12` by its mean diagonal, which noise can bring near 0,
        and step by 10, where the weights swing from task to task as rounding
        decides.
    """

    when_to_use = (
        "Small batches and a target direction: mgda without its bias, pulled "
        "to the mean gradient."
    )
    levels = ("parameters", "last_shared")
    takes_preference = True
    solves_in_steps = True
    needs_halves = True

    def __init__(
        self,
        pull: float = 0.3,
        learning_rate: float = 1.0,
        momentum: float = 0.5,
        steps: int = 20,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.pull = number("pull", pull, low=0)
        self.learning_rate = number("learning_rate", learning_rate, above=0)
        self.momentum = number("momentum", momentum, low=0, below=1)
        self.steps = integer("steps", steps, low=1)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the weights.
        """
        return {"task_weights": np.full(num_tasks, 1 / num_tasks, "float32")}

    def _weigh(self, step):
        target = among_present(self._preferences(step), step.present)
        moved = self._moved(step, target)
        return (moved + self.pull * target) / (1.0 + self.pull)

    def _advance(self, step):
        target = among_present(self._preferences(step), step.present)
        moved = self._moved(step, target)
        old = step.state["task_weights"]
        return {"task_weights": moved_on(old, moved, step.present)}

    def _moved(self, step, target):
        present = step.present
        cross = unit_cross(step)
        target = self.pull * target

        def descend(_, state):
            weights, velocity = state
            slope = ops.matmul(cross, (weights + target)[:, None])[:, 0]
            velocity = self.momentum * velocity + slope
            point = weights - self.learning_rate * velocity
            return simplex.project(point, present), velocity

        start = among_present(step.state["task_weights"], present)
        weights, _ = ops.fori_loop(
            0, self.steps, descend, (start, ops.zeros_like(start))
        )
        return weights

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "pull": self.pull,
            "learning_rate": self.learning_rate,
            "momentum": self.momentum,
            "steps": self.steps,
        }
