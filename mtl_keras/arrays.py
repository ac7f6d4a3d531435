"""Reads arrays of numbers that a caller gives."""

import numpy as np


def numbers(name: str, data) -> np.ndarray:
    """Returns float64 numbers.

    Args:
        name: String, whose numbers they are, for the error.
        data: Array or nested sequence.

    Raises:
        ValueError: If they are no numbers.
    """
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(
            f"{name!r} must be numbers in rows of one length. Received: "
            f"{type(data).__name__} of rows of different lengths"
        ) from error
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise ValueError(
            f"{name!r} must be numbers. Received: {type(data).__name__} of "
            f"dtype {array.dtype}"
        )
    return array.astype("float64")
