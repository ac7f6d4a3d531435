"""Checks the arguments of a balancer, and makes tensors of them."""

import collections.abc
import types
import warnings

import numpy as np
from keras import ops

from mtl_keras import checks, compat
from mtl_keras.groups.members import abridged


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
    shapes = [tuple(np.shape(each)) for each in tensors if each is not None]
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
            f"{abridged(balancer.tasks)}. Received: {size} tasks. Give each "
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


def read_by_name(argument: str, values):
    """Checks positive numbers by task's name.

    Args:
        argument: String, the argument's name, for the error.
        values: Dict, task name to number, or `None`.

    Returns:
        Read-only mapping, or `None`: a compiled step would not see a change.

    Raises:
        ValueError: If it is another thing, or a number is 0 or less.
    """
    if values is None:
        return None
    if not isinstance(values, collections.abc.Mapping) or not values:
        raise ValueError(
            f"`{argument}` must be a dict of task name to positive number. "
            f"Received: {argument}={values!r}"
        )
    return types.MappingProxyType(
        {
            task: checks.number(f"{argument}[{task!r}]", value, above=0)
            for task, value in values.items()
        }
    )


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


# The squares of numbers beyond leave the range of float32.
LOWEST, HIGHEST = 1e-18, 1e18


def warn_of_lengths(balancer, lengths, present=None) -> None:
    """Warns of gradients whose squared lengths float32 cannot hold.

    Within a compiled step nothing is known of the numbers; it does nothing.

    Args:
        balancer: `Balancer`.
        lengths: NumPy array of the length of each task's gradient, or `None`
            where they are traced.
        present: As of `Balancer.combine`.
    """
    if lengths is None:
        return
    is_beyond = (lengths < LOWEST) | (lengths > HIGHEST)
    is_beyond &= (lengths > 0) & np.isfinite(lengths)
    if present is not None and is_beyond.any():
        present = ops.convert_to_tensor(present)
        if compat.is_concrete(present):
            is_beyond &= ops.convert_to_numpy(present) > 0
    if is_beyond.any():
        worst = lengths[is_beyond]
        warnings.warn(
            f"{type(balancer).__name__} is accurate for gradients with "
            f"lengths from {LOWEST:g} to {HIGHEST:g}, whose squares fit into "
            f"float32. Received: lengths from {worst.min():.1e} to "
            f"{worst.max():.1e}. Scale the losses.",
            UserWarning,
            # The line that calls `combine` or `weights`.
            stacklevel=3,
        )


def row_lengths(jacobian):
    """Computes the lengths of the rows in float64; `None` where traced.

    Args:
        jacobian: Tensor of shape `(num_tasks, num_parameters)`.
    """
    if not compat.is_concrete(jacobian):
        return None
    rows = ops.convert_to_numpy(jacobian).astype("float64")
    return np.sqrt(np.sum(rows**2, axis=1))


def gramian_lengths(gramian):
    """Computes the lengths of the rows of a Gramian; `None` where traced.

    Args:
        gramian: Tensor of shape `(num_tasks, num_tasks)`.
    """
    gramian = ops.convert_to_tensor(gramian)
    if not compat.is_concrete(gramian):
        return None
    squares = np.diagonal(ops.convert_to_numpy(gramian)).astype("float64")
    return np.sqrt(np.maximum(squares, 0.0))


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
