"""MoCo: mitigates the bias of stochastic gradients in balancing.

Fernando et al., ICLR 2023, https://arxiv.org/abs/2210.12624.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.jacobian_balancer import JacobianBalancer
from mtl_keras.balancing.simplex_weights import among_present, moved_on
from mtl_keras.balancing.solvers import simplex
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class MoCo(JacobianBalancer):
    """Weighs tracked gradients by a slow step towards their shortest mean.

    Each step `t` moves the tracked gradients and the weights, both kept from
    step to step:

        y = y + beta / t ** beta_decay * (rows - y)
        w = project(w - gamma / t ** gamma_decay * (y @ y.T + rho * I) @ w)

    on the simplex, from `y = 0` and equal weights; the direction is `w @ y`.
    `rows[k]` is `losses[k] * J[k] / |J[k]|` with `normalization="loss"`.

    An absent task keeps its `y`, its weight and its count of steps, and the
    others share the rest. A row of zeros pulls its `y` to zero. Equal and
    opposite rows cancel in `w @ y` as far as their weights are equal.

    Args:
        beta: Float in (0, 1], how far the tracked gradients follow. Defaults
            to 0.5.
        beta_decay: Float in [0, 1], the exponent of its decay. Defaults to
            0.5.
        gamma: Float of at least 0, the weights' step. Defaults to 0.1.
        gamma_decay: Float in [0, 1]. Defaults to 0.5.
        rho: Float of at least 0, pulls the weights towards equality. Defaults
            to 0.
        normalization: `"loss"`, or `None` for the gradients as they are, for
            which `gamma` has the unit of an inverse squared gradient: the
            direction then depends on the scale of the losses. Defaults to
            `"loss"`.
        **kwargs: `rescale`, `task_weights` and `monitor`, as of
            `GradientMethod`.

    Note:
        The defaults, the decays and `normalization` are those of the code
        that the authors shared with LibMTL. That code takes a softmax for the
        projection, which keeps the weights near equality; the paper projects,
        and so do we. As in the code, the direction is made of the new `y` and
        `w`. The state is as large as the Jacobian.
    """

    when_to_use = (
        "Small batches, whose noise biases the other gradient methods."
    )
    is_scale_free = True
    needs_losses = True

    # The state holds every row.
    most_tasks = 256

    def __init__(
        self,
        beta: float = 0.5,
        beta_decay: float = 0.5,
        gamma: float = 0.1,
        gamma_decay: float = 0.5,
        rho: float = 0.0,
        normalization: str | None = "loss",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.beta = number("beta", beta, above=0, high=1)
        self.beta_decay = number("beta_decay", beta_decay, low=0, high=1)
        self.gamma = number("gamma", gamma, low=0)
        self.gamma_decay = number("gamma_decay", gamma_decay, low=0, high=1)
        self.rho = number("rho", rho, low=0)
        if normalization not in (None, "loss"):
            raise ValueError(
                "`normalization` must be None or 'loss'. "
                f"Received: normalization={normalization!r}"
            )
        self.normalization = normalization
        self.needs_losses = normalization == "loss"

    def initial_state(self, num_tasks: int, num_parameters: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.
            num_parameters: Integer, how many numbers a row holds.
        """
        return {
            "tracked": np.zeros((num_tasks, num_parameters), "float32"),
            "task_weights": np.full(num_tasks, 1 / num_tasks, "float32"),
            "counts": np.zeros(num_tasks, "int32"),
            "steps": np.zeros((), "int32"),
        }

    def _merge(self, step):
        new = self._advance(step)
        shares = among_present(new["task_weights"], step.present)
        return ops.matmul(shares[None, :], new["tracked"])[0]

    def _advance(self, step):
        state, present = step.state, step.present
        rows = step.jacobian
        if self.normalization == "loss":
            lengths = ops.norm(rows, axis=1)
            scales = step.losses / ops.where(lengths > 0, lengths, 1.0)
            rows = scales[:, None] * rows
        is_there = present > 0
        counts = state["counts"] + ops.cast(is_there, "int32")
        past = ops.cast(ops.maximum(counts, 1), "float32")
        follow = present * self.beta * past**-self.beta_decay
        old = state["tracked"]
        tracked = old + follow[:, None] * (rows - old)
        steps = state["steps"] + 1
        gamma = self.gamma * ops.cast(steps, "float32") ** -self.gamma_decay
        # The present tasks have a simplex of their own.
        shares = among_present(state["task_weights"], present)
        gramian = ops.matmul(tracked, ops.transpose(tracked))
        slope = ops.matmul(gramian, shares[:, None])[:, 0] + self.rho * shares
        slope = ops.where(is_there, slope, 0.0)
        moved = simplex.project(shares - gamma * slope, present)
        weights = moved_on(state["task_weights"], moved, present)
        return {
            "tracked": tracked,
            "task_weights": weights,
            "counts": counts,
            "steps": steps,
        }

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "beta": self.beta,
            "beta_decay": self.beta_decay,
            "gamma": self.gamma,
            "gamma_decay": self.gamma_decay,
            "rho": self.rho,
            "normalization": self.normalization,
        }
