"""Weights on the simplex that are kept from step to step.

An absent task keeps its weight, and the others share the rest.
"""

from keras import ops


def among_present(task_weights, present):
    """Brings the present tasks' weights to the sum 1.

    Args:
        task_weights: float32 tensor of shape `(num_tasks,)`, at least 0.
        present: float32 tensor of shape `(num_tasks,)`, 1 or 0.

    Returns:
        float32 tensor of shape `(num_tasks,)`, 0 for an absent task; equal
        where the present tasks' weights are all 0.
    """
    weights = present * task_weights
    total = ops.sum(weights)
    equal = present / ops.maximum(ops.sum(present), 1.0)
    return ops.where(
        total > 0, weights / ops.where(total > 0, total, 1.0), equal
    )


def moved_on(task_weights, shares, present):
    """Returns all weights after the present tasks' shares have moved.

    Args:
        task_weights: As of `among_present`, the weights before.
        shares: float32 tensor of shape `(num_tasks,)`, the present tasks' new
            weights, which sum to 1.
        present: As of `among_present`.

    Returns:
        float32 tensor of shape `(num_tasks,)`.
    """
    mass = ops.sum(present * task_weights)
    return ops.where(present > 0, mass * shares, task_weights)
