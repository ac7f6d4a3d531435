"""Statistics of a table's columns: means, deviations, frequent values."""

import numpy as np

_MISSING = ("", None)


def mean_and_deviation(name: str, values) -> tuple[float, float]:
    """Measures a column of numbers.

    Args:
        name: String, the column.
        values: NumPy array of shape `(examples,)`; values that are not
            finite are missing.

    Returns:
        Pair of floats, the mean and the standard deviation.

    Raises:
        ValueError: If the array has no finite number.
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
            "one finite number. Received: none. Remove the column."
        )
    return float(values.mean()), float(values.std())


def frequent_values(name: str, values, most: int) -> list:
    """Finds the most frequent values of a category.

    Args:
        name: String, the column.
        values: NumPy array of shape `(examples,)`; NaN, `None` and the empty
            string are missing.
        most: Integer, how many values are returned.

    Returns:
        Sorted list of strings or of integers.

    Raises:
        ValueError: If there is no value, or one of another type.
    """
    counts = {}
    for value in values.tolist():
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        # pandas stores a missing string as NaN, the only value that differs
        # from itself.
        if value in _MISSING or value != value:
            continue
        counts[value] = counts.get(value, 0) + 1
    if not counts:
        raise ValueError(
            f"ColumnPreprocessor expects the column {name!r} to hold at least "
            "one value. Received: none. Remove the column."
        )
    if not all(isinstance(v, str) for v in counts) and not all(
        isinstance(v, int) and not isinstance(v, bool) for v in counts
    ):
        odd = next(v for v in counts if not isinstance(v, str))
        raise ValueError(
            f"ColumnPreprocessor expects the category {name!r} to hold only "
            f"strings or integers. Received: {odd!r} of type "
            f"{type(odd).__name__} among them"
        )
    by_count = sorted(counts, key=lambda value: (-counts[value], value))
    return sorted(by_count[:most])
