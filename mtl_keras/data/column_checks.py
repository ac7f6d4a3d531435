"""Checks what describes the columns of a table: statistics, vocabularies."""

import numbers as number_types
from collections.abc import Sequence

import numpy as np

# TensorFlow flushes smaller numbers to 0, a division by zero.
_SMALLEST = float(np.finfo(np.float32).tiny)
_LARGEST = float(np.finfo(np.float32).max)


def statistics(column: str, pair) -> tuple[float, float]:
    """Checks the mean and the deviation of a column.

    Args:
        column: String.
        pair: Sequence of two finite numbers, the second one not negative.

    Returns:
        Pair of floats; a deviation of 0 becomes 1.

    Raises:
        ValueError: If they are something else.
    """
    is_pair = isinstance(pair, Sequence | np.ndarray) and len(pair) == 2
    if not is_pair or not all(
        isinstance(number, number_types.Real)
        # The graph computes in float32. A comparison with NaN is false.
        and abs(number) <= _LARGEST
        for number in pair
    ):
        raise ValueError(
            f"ColumnPreprocessor expects (mean, deviation) for the column "
            f"{column!r}, two finite numbers. Received: {pair!r}"
        )
    mean, deviation = (float(np.float32(number)) for number in pair)
    if deviation < 0:
        raise ValueError(
            f"ColumnPreprocessor expects the deviation of the column "
            f"{column!r} not to be negative. Received: {pair!r}"
        )
    return mean, deviation if deviation >= _SMALLEST else 1.0


def vocabulary(column: str, values) -> tuple:
    """Checks the values of a category.

    Args:
        column: String.
        values: Sequence of different values, all strings or all integers.

    Returns:
        Tuple.

    Raises:
        ValueError: If they are something else.
    """
    if isinstance(values, str | bytes) or not isinstance(
        values, Sequence | np.ndarray
    ):
        values = ()
    values = tuple(
        int(v) if isinstance(v, number_types.Integral) else v for v in values
    )
    kinds = {type(value) for value in values}
    if kinds not in ({str}, {int}) or len(set(values)) < len(values):
        raise ValueError(
            f"ColumnPreprocessor expects the category {column!r} to have a "
            "sequence of different values, all strings or all integers. "
            "Received: "
            f"{values!r}"[:200]
        )
    return values
