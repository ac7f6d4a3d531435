"""Adam's step for the scalars that a balancer learns, one a task.

Kingma & Ba, ICLR 2015, https://arxiv.org/abs/1412.6980. The scalars are not
the model's: neither its optimizer, nor its schedule, nor its weight decay
touches them.
"""

import numpy as np
from keras import ops

_BETA_1 = 0.9
_BETA_2 = 0.999
_EPSILON = 1e-8


def initial_state(num_tasks: int) -> dict:
    """Returns the moments before the first step.

    Args:
        num_tasks: Integer.

    Returns:
        Dict of three float32 arrays of shape `(num_tasks,)`.
    """
    names = ("adam_mean", "adam_square", "adam_count")
    return {name: np.zeros(num_tasks, "float32") for name in names}


def step(state: dict, gradient, moves, learning_rate: float):
    """Computes one step; pure.

    Args:
        state: Dict that holds at least what `initial_state` returned.
        gradient: float32 tensor of shape `(num_tasks,)`.
        moves: Boolean tensor of shape `(num_tasks,)`. The other tasks' scalars
            and moments stay as they are; each has a count of its own.
        learning_rate: Float.

    Returns:
        Tuple of what to add to the scalars, 0 where nothing moves, and the
        new moments, a dict like `initial_state`'s.
    """
    # Its square must stay within float32.
    gradient = ops.clip(ops.where(moves, gradient, 0.0), -1e18, 1e18)
    count = state["adam_count"] + ops.cast(moves, "float32")
    mean, square = state["adam_mean"], state["adam_square"]
    mean = mean + (1 - _BETA_1) * (gradient - mean)
    square = square + (1 - _BETA_2) * (gradient * gradient - square)
    # Where nothing ever moved, the count is 0 and so would the divisor be.
    past = ops.maximum(count, 1.0)
    change = (mean / (1 - ops.power(_BETA_1, past))) / (
        ops.sqrt(square / (1 - ops.power(_BETA_2, past))) + _EPSILON
    )
    moments = {
        "adam_mean": ops.where(moves, mean, state["adam_mean"]),
        "adam_square": ops.where(moves, square, state["adam_square"]),
        "adam_count": count,
    }
    return ops.where(moves, -learning_rate * change, 0.0), moments
