"""GradVac: gradient vaccine.

Wang et al., ICLR 2021, https://arxiv.org/abs/2010.05874.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.solvers.orders import in_rounds, orders
from mtl_keras.balancing.solvers.unit_rows import unit_rows
from mtl_keras.checks import integer, number

# A changed row shorter than this fraction of the original is rounding.
_SHORT = 1e-3
# A target of 1 would take an endless multiple of the other row.
_MOST = 0.9999


@keras.saving.register_keras_serializable(package="mtl_keras")
class GradVac(GradientBalancer):
    """Raises the cosine of each two gradients to what it usually is.

    Each row `g` of `J` meets the others in an order of its own, drawn anew at
    each step. Where its cosine `c` to an unchanged row `h` is below the
    target `t` of the two, `g` gains as much of `h` as brings it there:
    `|g| * (t * sqrt(1 - c**2) - c * sqrt(1 - t**2)) / (|h| * sqrt(1 - t**2))`.
    The direction is the sum of the changed rows. The targets start at 0, where
    the method is `pcgrad`, and follow the cosines as they were met:
    `t = (1 - beta) * t + beta * c`, by `update`.

    All is computed from the inner products. A row of zeros meets no other, nor
    does one that a change has brought to 0 (of opposite rows, at a target of
    0, each comes to 0); their targets stay. One row: the row itself.

    Args:
        beta: Float in (0, 1], how fast the targets follow. Defaults to 0.01,
            as in the paper.
        seed: Integer of at least 0. The orders are a function of it and of the
            number of steps, the same on every backend and replica. Defaults to
            0.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.

    Raises:
        ValueError: If `beta` is out of range or `seed` is no whole number of
            at least 0.

    Note:
        The paper also compares layer by layer; ours compares whole gradients,
        of what `on` says. Targets above 0.9999 count as that.
    """

    when_to_use = (
        "Tasks that ought to agree, such as languages: raises cosines to what "
        "is usual for the pair."
    )

    # The orders go by place.
    is_equivariant = False
    solves_in_steps = True

    # An order of all tasks for each: numbers cubed.
    most_tasks = 256

    def __init__(self, beta: float = 0.01, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.beta = number("beta", beta, above=0, high=1)
        self.seed = integer("seed", seed, low=0)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "beta": self.beta, "seed": self.seed}

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the targets, at `[i, j]` that of row `i`
            when it meets row `j`, and the steps taken.
        """
        targets = np.zeros((num_tasks, num_tasks), "float32")
        return {"targets": targets, "step": np.zeros((), "int32")}

    def _weigh(self, step):
        _, lengths, inverses = unit_rows(step.gramian)
        coefficients, _, _ = self._vaccinated(
            step.state, step.gramian, step.present
        )
        return ops.matmul(lengths[None, :], coefficients)[0] * inverses

    def _advance(self, step):
        state = step.state
        _, cosines, is_met = self._vaccinated(state, step.gramian, step.present)
        targets = state["targets"]
        moved = targets + self.beta * (cosines - targets)
        return {
            "targets": ops.where(is_met > 0, moved, targets),
            "step": state["step"] + 1,
        }

    def _vaccinated(self, state, gramian, present):
        """Computes the changed rows' coefficients and the cosines met."""
        cosines, _, inverses = unit_rows(gramian)
        is_there = ops.cast(inverses > 0, "float32")[None, :]
        met = orders(self.seed, state["step"], present)
        met_cosines = ops.matmul(met, cosines)
        targets = ops.clip(state["targets"], -_MOST, _MOST)
        target_sines = ops.sqrt(1.0 - ops.square(targets))

        def meet(time, carry):
            coefficients, products, seen, is_met = carry
            now = met[time]
            squared = ops.sum(coefficients * products, axis=1, keepdims=True)
            whole = ops.sum(ops.square(coefficients), axis=1, keepdims=True)
            is_sound = squared > _SHORT**2 * whole
            length = ops.sqrt(ops.where(is_sound, squared, 1.0))
            cosine = ops.sum(products * now, axis=1, keepdims=True) / length
            cosine = ops.clip(cosine, -1.0, 1.0)
            target = ops.sum(targets * now, axis=1, keepdims=True)
            target_sine = ops.sum(target_sines * now, axis=1, keepdims=True)
            now = ops.where(is_sound, now * is_there, 0.0)
            sine = ops.sqrt(1.0 - ops.square(cosine))
            # A task that meets itself has a target sine of 0 and no `now`.
            gain = target * sine / ops.maximum(target_sine, 1e-3) - cosine
            gain = ops.where(cosine < target, length * gain, 0.0)
            step_cosines = ops.where(is_sound, met_cosines[time], 0.0)
            return (
                coefficients + gain * now,
                products + gain * step_cosines,
                seen + cosine * now,
                is_met + now,
            )

        size = gramian.shape[0]
        none = ops.zeros((size, size), "float32")
        start = (ops.eye(size, dtype="float32"), cosines, none, none)
        coefficients, _, seen, is_met = in_rounds(size, meet, start)
        return coefficients, seen, is_met
