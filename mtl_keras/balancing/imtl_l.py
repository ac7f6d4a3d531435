"""IMTL-L: impartial learning on the losses.

Liu et al., ICLR 2021, https://openreview.net/forum?id=IMPnRXEWpvr.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing import adam
from mtl_keras.balancing.balancer import Balancer
from mtl_keras.balancing.masked import taking_part
from mtl_keras.ranges import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class IMTLL(Balancer):
    """Learns scales that bring all losses to the same value, 1.

    Minimises `sum_k exp(s[k]) * losses[k] - s[k]` over the model and over `s`,
    which starts at 0. So `weights[k] = exp(s[k])`, and for a loss that stays
    the same `s[k]` tends to `-log(losses[k])`. With one learning rate these
    are twice the weights of `uncertainty`.

    A task without labels, or with a loss of 0 or less, for which `s` has no
    optimum, leaves its `s` as it is; its loss is weighted all the same. No
    gradient is read: a zero, duplicate or opposed row changes no weight.

    Args:
        learning_rate: Float above 0, of Adam's step on `s`. Defaults to
            0.025, as of `uncertainty`.
        monitor: Boolean, whether the logs show the weights.

    Note:
        The paper trains `s` with the model's optimizer; ours has an Adam step
        of its own, without decay.
    """

    is_scale_free = True
    needs_losses = True

    def __init__(self, learning_rate: float = 0.025, *, monitor: bool = False):
        super().__init__(monitor=monitor)
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

    def _weigh(self, state, gramian, losses, present):
        del gramian, losses, present
        return ops.exp(state["s"])

    def _advance(self, state, gramian, losses, present):
        del gramian
        gradient = losses * ops.exp(state["s"]) - 1.0
        moves = taking_part(losses, present)
        change, moments = adam.step(state, gradient, moves, self.learning_rate)
        return {"s": state["s"] + change, **moments}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "learning_rate": self.learning_rate}
