"""RLW: random loss weighting.

Lin et al., TMLR 2022, https://arxiv.org/abs/2111.10603.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing import draws
from mtl_keras.balancing.masked import softmax
from mtl_keras.balancing.weighting_balancer import WeightingBalancer
from mtl_keras.checks import integer


@keras.saving.register_keras_serializable(package="mtl_keras")
class RLW(WeightingBalancer):
    """Draws the weights anew at each step.

    `weights = softmax(normal(0, 1))` over the tasks with labels, on the
    paper's scale: they sum to 1. A baseline: a method that does not beat it
    has learned nothing about the tasks.

    Neither losses nor gradients are read. The draws are a function of `seed`
    and of the steps counted by `update` alone, the same on every backend and
    replica.

    Args:
        seed: Integer of at least 0. Defaults to 0.
        **kwargs: `smoothing` and `monitor`, as of `WeightingBalancer`.

    Raises:
        ValueError: If `seed` is no whole number of at least 0.

    Note:
        The paper also tries other distributions, without a clear winner; the
        normal one is the default of the authors' library.
    """

    when_to_use = (
        "The baseline for all others: what does not beat it has learned "
        "nothing about the tasks."
    )
    is_scale_free = True
    # The draws go by place.
    is_equivariant = False

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.seed = integer("seed", seed, low=0)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the steps taken.
        """
        return {"step": np.zeros((), "int32")}

    def _weigh(self, step):
        present = step.present
        numbers = draws.normal(self.seed, step.state["step"], present.shape)
        # The draws go to the tasks that are there, in their order: an absent
        # task changes nothing for the others.
        place = ops.maximum(ops.cumsum(present) - 1.0, 0.0)
        numbers = ops.take(numbers, ops.cast(place, "int32"))
        return softmax(numbers, present > 0)

    def _advance(self, step):
        return {"step": step.state["step"] + 1}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "seed": self.seed}
