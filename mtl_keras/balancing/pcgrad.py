"""PCGrad: gradient surgery.

Yu et al., NeurIPS 2020, https://arxiv.org/abs/2001.06782.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.solvers.orders import in_rounds, orders
from mtl_keras.balancing.solvers.unit_rows import unit_rows
from mtl_keras.checks import integer


@keras.saving.register_keras_serializable(package="mtl_keras")
class PCGrad(GradientBalancer):
    """Projects each gradient off those it conflicts with, in random order.

    Each row `g` of `J` meets the others in an order of its own, drawn anew at
    each step; where `g @ h < 0` for a row `h` as it was given, `g` loses its
    part along `h`: `g = g - (g @ h) / (h @ h) * h`. The direction is the sum
    of what is left. With more than two tasks a later projection may bring an
    earlier conflict back; for two it is twice `upgrad`'s direction.

    The projections are sums of rows: they are computed from the inner products
    alone. A row of zeros meets no other. Opposite rows both become zero.
    One row: the row itself.

    Args:
        seed: Integer of at least 0. The orders are a function of it and of the
            number of steps, the same on every backend and replica. Defaults to
            0.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.

    Raises:
        ValueError: If `seed` is no whole number of at least 0.

    Note:
        The paper's algorithm sums; some codes take the mean.
    """

    when_to_use = "A robust start where a few pairs of tasks conflict."

    # The orders go by place.
    is_equivariant = False
    solves_in_steps = True

    # An order of all tasks for each: numbers cubed.
    most_tasks = 256

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
        cosines, lengths, inverses = unit_rows(step.gramian)
        met = orders(self.seed, step.state["step"], step.present)
        met_cosines = ops.matmul(met, cosines)

        def project(time, carry):
            # Of unit rows: the coefficients of each projected row, and its
            # products with all rows as they were given.
            coefficients, products = carry
            now = met[time]
            conflict = ops.sum(products * now, axis=1, keepdims=True)
            part = -ops.minimum(conflict, 0.0)
            return (
                coefficients + part * now,
                products + part * met_cosines[time],
            )

        size = step.num_tasks
        start = (ops.eye(size, dtype="float32"), cosines)
        coefficients, _ = in_rounds(size, project, start)
        return ops.matmul(lengths[None, :], coefficients)[0] * inverses

    def _advance(self, step):
        return {"step": step.state["step"] + 1}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "seed": self.seed}
