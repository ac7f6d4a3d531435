"""Examples of arrays in memory: their number, and some of them."""

import keras
import numpy as np


def num_examples(x, labels: dict) -> int:
    """Counts the examples of inputs and labels.

    Args:
        x: Array or structure of arrays.
        labels: Dict of task name to array.

    Returns:
        Integer.

    Raises:
        ValueError: If `labels` is not a dict, or the lengths differ.
    """
    if not isinstance(labels, dict) or not labels:
        raise ValueError(
            "`labels` must be a dict of task name to array. Received: "
            f"{type(labels).__name__}"
        )
    lengths = {f"labels of {name!r}": _length(a) for name, a in labels.items()}
    for number, array in enumerate(keras.tree.flatten(x)):
        lengths[f"input {number}"] = _length(array)
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise ValueError(
            "Inputs and labels must have the same number of examples, at least "
            f"1. Received: {lengths}"
        )
    return next(iter(lengths.values()))


def _length(array) -> int:
    shape = np.shape(array)
    return shape[0] if shape else 0


def taken(arrays, numbers):
    """Takes examples of arrays.

    Args:
        arrays: Array or structure of arrays.
        numbers: Array of examples' numbers, or a slice.

    Returns:
        The same structure.
    """
    return keras.tree.map_structure(
        lambda array: np.asarray(array)[numbers], arrays
    )


def check_function(argument: str, function) -> None:
    """Checks that a member can be trained by a function.

    Args:
        argument: String, the argument's name, for the error.
        function: What was received for it.

    Raises:
        ValueError: If it cannot be called.
    """
    if not callable(function) or isinstance(function, keras.Model):
        raise ValueError(
            f"`{argument}` must be a function of (x, labels) that returns a "
            f"trained model. Received: {type(function).__name__}. Trained "
            "models are combined by average, vote or fit_stack."
        )


def check_sequence(argument: str, arrays) -> None:
    """Checks that there is an array of examples' numbers for each member.

    Args:
        argument: String, the argument's name, for the error.
        arrays: What was received for it.

    Raises:
        ValueError: If it is no sequence.
    """
    if isinstance(arrays, str) or not hasattr(arrays, "__len__"):
        raise ValueError(
            f"`{argument}` must be a sequence of arrays of examples' numbers. "
            f"Received: {type(arrays).__name__}"
        )


def checked(argument: str, numbers, size: int):
    """Checks numbers of examples.

    Args:
        argument: String, the argument's name, for the error.
        numbers: Sequence of integers.
        size: Integer, the number of examples.

    Returns:
        int64 array.

    Raises:
        ValueError: If it is empty or a number is out of range.
    """
    array = np.asarray(numbers)
    if (
        array.ndim != 1
        or not array.size
        or array.dtype.kind not in "iu"
        or array.min() < 0
        or array.max() >= size
    ):
        raise ValueError(
            f"`{argument}` must hold arrays of examples' numbers from 0 to "
            f"{size - 1}. Received: shape {array.shape}, dtype {array.dtype}"
            + (f", from {array.min()} to {array.max()}" if array.size else "")
        )
    return array.astype(np.int64)


def by_group(groups, size: int) -> list:
    """Lists the examples of each group.

    Args:
        groups: Array of shape `(size,)` of any values.
        size: Integer, the number of examples.

    Returns:
        List of int64 arrays, in the order of the sorted values.

    Raises:
        ValueError: If there is not one value for each example.
    """
    groups = np.asarray(groups)
    if groups.shape != (size,):
        raise ValueError(
            f"`groups` must have a value for each of {size} examples. "
            f"Received: shape {groups.shape}"
        )
    _, codes = np.unique(groups, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
