"""What a table's columns hold: means, deviations and frequent values."""

import numpy as np

_MISSING = ("", None)


def mean_and_deviation(name: str, values) -> tuple[float, float]:
    """Measures a column of numbers.

    Args:
        name: String, the column.
        values: NumPy array of shape `(examples,)`; what is not finite is
            missing.

    Returns:
        Pair of floats, the mean and the standard deviation.

    Raises:
        ValueError: If the array holds no number.
    """
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"ColumnPreprocessor expects the column {name!r} to hold numbers, "
            f"booleans or strings. Received: dtype {values.dtype}"
        )
    values = values.astype(np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        raise ValueError(
            f"ColumnPreprocessor expects the column {name!r} to hold at least "
            "one finite number. Received: none. Leave the column out."
        )
    return float(values.mean()), float(values.std())


def frequent_values(name: str, values, most: int) -> list:
    """Finds the values of a category.

    Args:
        name: String, the column.
        values: NumPy array of shape `(examples,)`; NaN, `None` and the empty
            string are missing.
        most: Integer, how many values are kept, the most frequent ones.

    Returns:
        Sorted list of strings or of integers.

    Raises:
        ValueError: If there is no value, or another kind of value.
    """
    counts = {}
    for value in values.tolist():
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        # NaN, the only value that differs from itself, is how pandas writes a
        # missing string.
        if value in _MISSING or value != value:
            continue
        counts[value] = counts.get(value, 0) + 1
    if not counts:
        raise ValueError(
            f"ColumnPreprocessor expects the column {name!r} to hold at least "
            "one value. Received: none. Leave the column out."
        )
    if not all(isinstance(v, str) for v in counts) and not all(
        isinstance(v, int) and not isinstance(v, bool) for v in counts
    ):
        odd = next(v for v in counts if not isinstance(v, str))
        raise ValueError(
            f"ColumnPreprocessor expects the category {name!r} to hold strings "
            f"or integers alone. Received: {odd!r} of type "
            f"{type(odd).__name__} among them"
        )
    kept = sorted(counts, key=lambda value: (-counts[value], value))[:most]
    return sorted(kept)
