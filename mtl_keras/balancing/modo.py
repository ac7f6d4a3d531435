"""MoDo: multi-objective gradients with double sampling.

Chen et al., JMLR 2024, https://arxiv.org/abs/2305.20057.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.simplex_weights import among_present, moved_on
from mtl_keras.balancing.solvers import simplex
from mtl_keras.balancing.solvers.half_batches import unit_cross
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class MoDo(GradientBalancer):
    """Moves weights by one small step towards the shortest mean gradient.

    With `G12 = J1 @ J2.T`, the products of one half batch's gradients with
    the other's, each step moves `w`, kept from step to step,

        w = project(w - gamma * (G12 @ w + rho * w))

    on the simplex, from equal weights; the direction is `w @ J`. Since the
    noise of two halves is independent, the slope has no bias; `moco` averages
    the gradients instead, with a state as large as the Jacobian.

    An absent task keeps its weight, and the others share the rest. A row of
    zeros draws the weight slowly. Opposite rows cancel as far as their
    weights are equal.

    Args:
        gamma: Float of at least 0, the weights' step; 0 keeps them equal.
            Defaults to 0.1.
        rho: Float of at least 0, pulls the weights towards equality. Defaults
            to 0.
        normalization: `"length"`: `G12` is divided by the sum of
            `|J1[k]| * |J2[k]|`; or `None`, as in the paper, where `gamma` has
            the unit of an inverse squared gradient, and the direction depends
            on the scale of the losses. Defaults to `"length"`.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`. `on` may be
            `"parameters"` or `"last_shared"`: examples share no feature, so
            that gradients of two halves there have nothing in common.

    Note:
        The paper draws a third batch for the direction; ours is that of the
        whole batch. LibMTL and TorchJD take a softmax for the projection,
        which keeps the weights near equality; the paper projects, and so do
        we. `normalization` is ours.
    """

    when_to_use = (
        "Small batches, as moco, but without a copy of each task's gradient."
    )
    levels = ("parameters", "last_shared")
    needs_halves = True

    def __init__(
        self,
        gamma: float = 0.1,
        rho: float = 0.0,
        normalization: str | None = "length",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.gamma = number("gamma", gamma, low=0)
        self.rho = number("rho", rho, low=0)
        if normalization not in (None, "length"):
            raise ValueError(
                "`normalization` must be None or 'length'. "
                f"Received: normalization={normalization!r}"
            )
        self.normalization = normalization

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the weights.
        """
        return {"task_weights": np.full(num_tasks, 1 / num_tasks, "float32")}

    def _weigh(self, step):
        shares = among_present(step.state["task_weights"], step.present)
        cross = step.cross if self.normalization is None else unit_cross(step)
        slope = ops.matmul(cross, shares[:, None])[:, 0] + self.rho * shares
        return simplex.project(shares - self.gamma * slope, step.present)

    def _advance(self, step):
        moved = self._weigh(step)
        old = step.state["task_weights"]
        return {"task_weights": moved_on(old, moved, step.present)}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "gamma": self.gamma,
            "rho": self.rho,
            "normalization": self.normalization,
        }
