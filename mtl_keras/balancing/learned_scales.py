"""A learned number for each task, with an Adam step of its own."""

import numpy as np

from mtl_keras.balancing import adam
from mtl_keras.balancing.masked import taking_part
from mtl_keras.checks import number


class LearnedScales:
    """What methods share that learn a scale `s` of each task's loss.

    It stands before `WeightingBalancer` or `GradientBalancer` among a method's
    bases; the method implements `_slope(s, losses)`.

    Args:
        learning_rate: Float above 0, of Adam's step on `s`.
        **kwargs: As of the balancer.
    """

    needs_losses = True

    def __init__(self, learning_rate: float = 0.025, **kwargs):
        super().__init__(**kwargs)
        self.learning_rate = number("learning_rate", learning_rate, above=0)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: `s` and Adam's moments.
        """
        s = np.zeros(num_tasks, "float32")
        return {"s": s, **adam.initial_state(num_tasks)}

    def _slope(self, s, losses):
        """Returns the objective's gradient in `s`, shape `(num_tasks,)`."""
        raise NotImplementedError

    def _advance(self, step):
        state = step.state
        change, moments = adam.step(
            state,
            self._slope(state["s"], step.losses),
            taking_part(step.losses, step.present),
            self.learning_rate,
        )
        return {"s": state["s"] + change, **moments}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "learning_rate": self.learning_rate}
