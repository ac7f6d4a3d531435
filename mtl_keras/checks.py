"""Checks arguments before they reach a formula."""

import math
import numbers
import re

import numpy as np

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_INPUT_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.-]*")


def number(
    argument: str,
    value: object,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """Checks that a hyperparameter is a finite number within its range.

    Args:
        argument: String, the argument's name, for the error.
        value: What was received for it.
        low: Number, the least legal value.
        high: Number, the greatest legal value.
        above: Number that `value` must exceed.
        below: Number that `value` must stay under.

    Returns:
        `value` as a float.

    Raises:
        ValueError: If `value` is not a finite number or is out of range.
    """
    legal = (
        isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and (low is None or value >= low)
        and (high is None or value <= high)
        and (above is None or value > above)
        and (below is None or value < below)
    )
    if legal:
        return float(value)
    bounds = [
        f"{sign} {bound:g}"
        for sign, bound in (
            (">=", low),
            (">", above),
            ("<=", high),
            ("<", below),
        )
        if bound is not None
    ]
    raise ValueError(
        f"`{argument}` must be a finite number"
        f"{' ' if bounds else ''}{' and '.join(bounds)}. "
        f"Received: {argument}={value!r}"
    )


def integer(
    argument: str,
    value: object,
    *,
    low: int | None = None,
    high: int | None = None,
) -> int:
    """Checks that an argument is a whole number within its range.

    Args:
        argument: String, the argument's name, for the error.
        value: What was received for it. NumPy integers are accepted.
        low: Integer, the least legal value.
        high: Integer, the greatest legal value.

    Returns:
        `value` as an `int`.

    Raises:
        ValueError: If `value` is not an integer or is out of range.
    """
    legal = (
        isinstance(value, numbers.Integral)
        and not isinstance(value, bool)
        and (low is None or value >= low)
        and (high is None or value <= high)
    )
    if legal:
        return int(value)
    if low is not None and high is not None:
        bounds = f" from {low} to {high}"
    elif low is not None:
        bounds = f" of at least {low}"
    else:
        bounds = "" if high is None else f" of at most {high}"
    raise ValueError(
        f"`{argument}` must be an integer{bounds}. "
        f"Received: {argument}={value!r}"
    )


def fraction(argument: str, value: object, *, below_one: bool = False) -> float:
    """Checks that an argument is a fraction of a whole.

    Args:
        argument: String, the argument's name, for the error.
        value: What was received for it.
        below_one: Boolean, whether 1 itself is illegal, as for dropout.

    Returns:
        `value` as a `float`.

    Raises:
        ValueError: If `value` is not a number in [0, 1] (or in [0, 1)).
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if is_number and 0 <= value <= 1 and not (below_one and value == 1):
        return float(value)
    interval = "[0, 1)" if below_one else "[0, 1]"
    raise ValueError(
        f"`{argument}` must be a number in {interval}. "
        f"Received: {argument}={value!r}"
    )


def boolean(argument: str, value: object) -> bool:
    """Checks that an argument is True or False.

    Args:
        argument: String, the argument's name, for the error.
        value: What was received for it. NumPy booleans are accepted.

    Returns:
        `value` as a `bool`.

    Raises:
        ValueError: If `value` is not a boolean.
    """
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise ValueError(
        f"`{argument}` must be True or False. Received: {argument}={value!r}"
    )


def input_name(
    argument: str, value: object, *, is_identifier: bool = False
) -> str:
    """Checks that an argument is a name that a signature's input can have.

    Args:
        argument: String, the argument's name, for the error.
        value: What was received for it.
        is_identifier: Boolean, whether a `tf.Module` has the name too, which
            takes less.

    Returns:
        `value`.

    Raises:
        ValueError: If `value` is no string, or not such a name.
    """
    pattern = _IDENTIFIER if is_identifier else _INPUT_NAME
    expected = "letters, digits, '.', '_' and '-', beginning with no '_' or '-'"
    if is_identifier:
        expected = "letters, digits and '_', beginning with a letter"
    if is_input_name(value) and pattern.fullmatch(value):
        return value
    raise ValueError(
        f"`{argument}` must be a string of ASCII {expected}, and "
        f"not 'self'. Received: {argument}={value!r}"
    )


def is_input_name(value: object) -> bool:
    """Whether a signature of TensorFlow can have an input of this name."""
    # TensorFlow calls a signature as a method, with inputs by name.
    return (
        isinstance(value, str)
        and value != "self"
        and _INPUT_NAME.fullmatch(value) is not None
    )


def array(name: str, data, dtype: str = "float64") -> np.ndarray:
    """Reads an array of numbers.

    Args:
        name: String, whose numbers they are, for the error.
        data: Array or nested sequence.
        dtype: String, that of the result.

    Returns:
        NumPy array.

    Raises:
        ValueError: If they are no numbers.
    """
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise ValueError(
            f"{name!r} must be numbers in rows of one length. Received: "
            f"{type(data).__name__} of rows of different lengths"
        ) from error
    if values.dtype.kind not in "fiub" and values.dtype.name != "bfloat16":
        raise ValueError(
            f"{name!r} must be numbers. Received: {type(data).__name__} of "
            f"dtype {values.dtype}"
        )
    return values.astype(dtype)
