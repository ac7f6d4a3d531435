"""ExcessMTL: robust multi-task learning with excess risks.

He et al., ICML 2024, https://arxiv.org/abs/2402.02009.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.jacobian_balancer import JacobianBalancer
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class ExcessMTL(JacobianBalancer):
    """Weighs the tasks by how far each is from its own optimum.

    What a task's loss exceeds its least value by is estimated to second
    order, with the squared gradients summed up over the steps for curvature:

        squares[k] = squares[k] + J[k] ** 2
        risks[k] = sum(J[k] ** 2 / sqrt(squares[k]))

    Relative to its first value, the risk moves the weights by an exponential
    step: `w = w * exp(step_size * risks / first)`, brought back to the sum
    `K`. They start at 1, and stay there in the first step. The direction is
    `w @ J`.

    A row of zeros has no risk, and its task's weight falls behind; its first
    risk is the first above zero. An absent task keeps its weight and its
    squares, and the others' weights keep their sum. Equal and opposite rows
    cancel where their weights are equal.

    Args:
        step_size: Float above 0. Defaults to 0.01, as in LibMTL.
        **kwargs: `rescale`, `task_weights` and `monitor`, as of
            `GradientMethod`.

    Note:
        As in the authors' code, the direction is of the weights after the
        step, and a task's weight multiplies its whole loss; here the heads
        keep their own gradient. The code adds `1e-7` to the squares; nothing
        is added here, so that the unit of the losses is without effect. The
        state is as large as the Jacobian.
    """

    when_to_use = (
        "Some tasks have noisy labels, whose loss stays high however long "
        "they train."
    )
    is_scale_free = True

    # The state holds every row.
    most_tasks = 256

    def __init__(self, step_size: float = 0.01, **kwargs):
        super().__init__(**kwargs)
        self.step_size = number("step_size", step_size, above=0)

    def initial_state(self, num_tasks: int, num_parameters: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.
            num_parameters: Integer, how many numbers a row holds.
        """
        return {
            "squares": np.zeros((num_tasks, num_parameters), "float32"),
            "first_risks": np.zeros(num_tasks, "float32"),
            "log_weights": np.zeros(num_tasks, "float32"),
        }

    def _merge(self, step):
        new = self._advance(step)
        weights = step.present * ops.exp(new["log_weights"])
        return ops.matmul(weights[None, :], step.jacobian)[0]

    def _advance(self, step):
        state = step.state
        squared = step.jacobian * step.jacobian
        # An absent task's row is zero.
        squares = state["squares"] + squared
        moved = squares > 0
        roots = ops.sqrt(ops.where(moved, squares, 1.0))
        risks = ops.sum(ops.where(moved, squared / roots, 0.0), axis=1)
        is_there = step.present > 0
        first = state["first_risks"]
        is_first = ops.logical_and(is_there, first <= 0)
        first = ops.where(is_first, risks, first)
        ratios = risks / ops.where(first > 0, first, 1.0)
        # Far below float32's end, and far above what leaves other tasks any
        # weight.
        ratios = ops.where(first > 0, ops.minimum(ratios, 1e30), 0.0)
        old = state["log_weights"]
        new = old + self.step_size * ratios
        # The greatest is 0 first: a great risk would swallow the sums.
        new = new - ops.max(ops.where(is_there, new, -3e38))
        new = new + (_log_sum(old, is_there) - _log_sum(new, is_there))
        return {
            "squares": squares,
            "first_risks": first,
            "log_weights": ops.where(is_there, new, old),
        }

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "step_size": self.step_size}


def _log_sum(logits, mask):
    """Returns the logarithm of the sum of `exp(logits)` where `mask`."""
    top = ops.max(ops.where(mask, logits, -3e38))
    powers = ops.exp(ops.where(mask, logits - top, 0.0))
    total = ops.sum(ops.where(mask, powers, 0.0))
    return top + ops.log(ops.maximum(total, 1.0))
