"""IMTL: impartial multi-task learning on the gradients and the losses.

Liu et al., ICLR 2021, https://openreview.net/forum?id=IMPnRXEWpvr.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing import adam
from mtl_keras.balancing.balancer import Balancer
from mtl_keras.balancing.imtl_g import IMTLG
from mtl_keras.balancing.masked import taking_part
from mtl_keras.ranges import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class IMTL(IMTLG):
    """Brings the losses to one value and balances their gradients.

    Learns `s`, one scale a task, by minimising
    `sum_k exp(s[k]) * losses[k] - s[k]`, as `imtl_l` does. The heads descend
    the scaled losses; the shared variables follow the direction of `imtl_g`
    for the scaled losses' gradients, `exp(s)[:, None] * J`.

    A task without labels, or with a loss of 0 or less, for which `s` has no
    optimum, leaves its `s` as it is. Rows of zeros, duplicates and opposite
    rows are as in `imtl_g`: `s` scales all of them.

    Args:
        learning_rate: Float above 0, of Adam's step on `s`. Defaults to
            0.025, as of `imtl_l`.
        **kwargs: `on`, `update_every`, `rescale` and `monitor`, as of
            `GradientBalancer`. By default gradients are compared at the
            features, as in the paper.

    Note:
        The paper trains `s` with the model's optimizer; ours has an Adam step
        of its own, without decay.
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

    def head_weights(self, losses=None, present=None):
        """Returns what each task's loss is multiplied with: `exp(s)`.

        Args:
            losses: Float tensor of shape `(num_tasks,)`.
            present: As of `weights`.

        Returns:
            float32 tensor of shape `(num_tasks,)`.
        """
        _, _, present = Balancer._read(self, None, losses, present)
        return present * ops.exp(self.state(present.shape[0])["s"])

    def _advance(self, state, gramian, losses, present):
        del gramian
        gradient = losses * ops.exp(state["s"]) - 1.0
        moves = taking_part(losses, present)
        change, moments = adam.step(state, gradient, moves, self.learning_rate)
        return {"s": state["s"] + change, **moments}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "learning_rate": self.learning_rate}
