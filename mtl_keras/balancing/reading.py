"""Checks the arguments of a balancer, and makes tensors of them."""

import numpy as np
from keras import ops

from mtl_keras.messages import listed


def read_tasks(balancer, *tensors) -> int:
    """Finds the number of tasks.

    Args:
        balancer: `Balancer`, bound or not.
        *tensors: Tensors whose first axis is that of the tasks, or `None`.

    Returns:
        Integer.

    Raises:
        ValueError: If no tensor shows it, or the model has another number.
    """
    shapes = [ops.shape(each) for each in tensors if each is not None]
    if () in shapes:
        raise ValueError(
            f"{type(balancer).__name__} needs one number, or one row, for each "
            "task. Received: a single number"
        )
    sizes = {shape[0] for shape in shapes}
    if not sizes and balancer.tasks is not None:
        return len(balancer.tasks)
    name = type(balancer).__name__
    if not sizes:
        raise ValueError(
            f"{name} needs to know how many tasks there are. Received: no "
            "losses and no gradients, and no model is compiled with it. Pass "
            "one of them."
        )
    if len(sizes) > 1:
        raise ValueError(
            f"{name} needs `losses`, `present` and gradients of the same "
            f"number of tasks. Received: {sorted(sizes)} tasks"
        )
    size = sizes.pop()
    if balancer.num_tasks not in (None, size):
        raise ValueError(
            f"This {name} holds the state of {balancer.num_tasks} tasks. "
            f"Received: {size} tasks. Make a new one for them."
        )
    if balancer.tasks is not None and size != len(balancer.tasks):
        raise ValueError(
            f"This {name} belongs to a model of the tasks "
            f"{listed(balancer.tasks)}. Received: {size} tasks. Give each "
            "model a balancer of its own."
        )
    return size


def read_vector(what: str, values, num_tasks: int):
    """Reads a vector with one number a task.

    Args:
        what: String, the argument's name, for the error.
        values: Array, tensor or list, or `None`.
        num_tasks: Integer.

    Returns:
        float32 tensor of shape `(num_tasks,)`, or `None`.

    Raises:
        ValueError: If its shape is another.
    """
    if values is None:
        return None
    values = ops.cast(ops.convert_to_tensor(values), "float32")
    if tuple(values.shape) != (num_tasks,):
        raise ValueError(
            f"`{what}` must hold one number for each of {num_tasks} tasks. "
            f"Received: shape {tuple(values.shape)}"
        )
    return values


def finite(tensors: list):
    """Tells whether every number is finite.

    Args:
        tensors: List of float tensors.

    Returns:
        Boolean scalar tensor.
    """
    verdict = ops.convert_to_tensor(True)
    for tensor in tensors:
        verdict = ops.logical_and(verdict, ops.all(ops.isfinite(tensor)))
    return verdict


def read_jacobian(jacobian):
    """Reads the tasks' gradients.

    Args:
        jacobian: Array, tensor or nested list.

    Returns:
        float32 tensor of shape `(num_tasks, num_parameters)`.

    Raises:
        ValueError: If its shape is another.
    """
    shape = () if jacobian is None else np.shape(jacobian)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(
            "`jacobian` must be of shape (num_tasks, num_parameters), a row "
            f"for each task. Received: shape {tuple(shape)}"
        )
    return ops.cast(ops.convert_to_tensor(jacobian), "float32")
