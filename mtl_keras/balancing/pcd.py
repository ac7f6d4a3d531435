"""PCD: priority-constrained descent, a primary task and auxiliary ones.

Varam & AlHajri, TMLR 2026, https://arxiv.org/abs/2606.29521.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.moments import root_of_squares, share_of_data
from mtl_keras.balancing.primary_task import PrimaryTask
from mtl_keras.balancing.solvers import dual_cone
from mtl_keras.balancing.solvers.unit_rows import unit_rows
from mtl_keras.checks import number

# Constraints that need larger multipliers oppose each other but for rounding.
_LARGEST = 100.0


@keras.saving.register_keras_serializable(package="mtl_keras")
class PCD(PrimaryTask):
    """Follows the primary task as far as each auxiliary one still progresses.

    With the rows over their usual lengths,
    `rows[k] = J[k] / sqrt(mean(|J[k]|**2))`, the mean exponential over the
    steps, it is the `d` nearest to the primary task's row with
    `rows[k] @ d >= tau * |rows[k]|**2` for each auxiliary task `k`, brought to
    the length of the primary task's gradient. An auxiliary task changes the
    direction only where it would fall short of a fraction `tau` of the
    progress that a step along its own row would give it.

    Where no direction meets all constraints, as with two opposite auxiliary
    rows, they are dropped and the direction is the primary task's. Where the
    primary task's gradient is zero, or its opposite is all that is left, the
    direction is zero. Zero rows are no constraint. In a batch without labels
    of the primary task, the first of the others by name stands in for it.

    Args:
        primary: String, the primary task's name; `None` for the first by name.
        tau: Float in [0, 1], the fraction of its own progress that each
            auxiliary task keeps. Defaults to 0.02.
        beta: Float in [0, 1), how much of the mean squared length is kept at
            each step. Defaults to 0.999.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.

    Note:
        The paper's problem and its multipliers were taken from the authors'
        page; the defaults, the length of the result and what happens without
        a solution from TorchJD 0.18, which documents them of the authors'
        code. That adds 1e-8 under the root; nothing is added here. Constraints
        that would need multipliers above 100 count as impossible.
    """

    when_to_use = (
        "One task is the product and the others only help or constrain it: "
        "auxiliary losses, sparsity, robustness."
    )
    # The primary task is one by name.
    is_equivariant = False
    solves_in_steps = True
    without_primary = "the first by name"

    def __init__(
        self,
        primary: str | None = None,
        tau: float = 0.02,
        beta: float = 0.999,
        **kwargs,
    ):
        super().__init__(primary=primary, **kwargs)
        self.tau = number("tau", tau, low=0, high=1)
        self.beta = number("beta", beta, low=0, below=1)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the roots of the mean squared lengths,
            not corrected for their start at 0, and each task's steps.
        """
        return {
            "lengths": np.zeros(num_tasks, "float32"),
            "counts": np.zeros(num_tasks, "int32"),
        }

    def _weigh(self, step):
        present = step.present
        cosines, lengths, inverses = unit_rows(step.gramian)
        usual = self._advance(step)
        usual_lengths = usual["lengths"] / ops.sqrt(
            share_of_data(self.beta, usual["counts"])
        )
        is_known = usual_lengths > 0
        # At most 1 / sqrt(1 - beta): this step's length is part of the mean.
        relative = ops.where(
            is_known, lengths / ops.where(is_known, usual_lengths, 1.0), 0.0
        )
        lead = self._leader(present)
        own = ops.sum(lead * relative)
        bounds = self.tau * relative
        auxiliary = ops.where(
            ops.logical_and(inverses > 0, lead == 0), 1.0, 0.0
        )
        products = own * ops.matmul(lead[None, :], cosines)[0] - bounds
        products = auxiliary * products
        top = ops.max(ops.abs(products))
        top = ops.where(top > 0, top, 1.0)
        among = cosines * auxiliary[:, None] * auxiliary[None, :]
        extra = dual_cone.multipliers(among, (products / top)[None, :])[0]
        unmet = ops.min(products / top + ops.matmul(extra[None, :], among)[0])
        is_possible = ops.logical_and(
            unmet >= -1e-3, ops.max(extra) <= _LARGEST
        )
        units = own * lead + ops.where(is_possible, top * extra, 0.0)
        square = ops.sum(units * ops.matmul(cosines, units[:, None])[:, 0])
        # What cancels but for rounding has no direction.
        has_direction = square > 1e-5 * ops.sum(ops.square(units))
        length = ops.sqrt(ops.where(has_direction, square, 1.0))
        factor = ops.sum(lead * lengths) / length
        factor = ops.where(ops.logical_and(has_direction, own > 0), factor, 0.0)
        # The factor first: with the inverse it may leave float32's range.
        return units * (factor * inverses)

    def _leader(self, present):
        """Returns 1 for the primary task, or what stands in for it, else 0."""
        size = present.shape[0]
        place = self._place() or 0
        order = [place, *(k for k in range(size) if k != place)]
        ranks = np.argsort(order).astype("float32")
        first = ops.argmin(ops.where(present > 0, ranks, float(size)))
        return ops.one_hot(first, size, dtype="float32") * present

    def _advance(self, step):
        state, present = step.state, step.present
        lengths = ops.sqrt(ops.maximum(ops.diagonal(step.gramian), 0.0))
        moved = root_of_squares(state["lengths"], lengths, self.beta)
        return {
            "lengths": ops.where(present > 0, moved, state["lengths"]),
            "counts": state["counts"] + ops.cast(present > 0, "int32"),
        }

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "tau": self.tau,
            "beta": self.beta,
        }
