"""Statistics of a table's columns: means, deviations, frequent values."""

import numpy as np

from mtl_keras.data import date_code, quantile_code

_MISSING = ("", None)


def measure(columns, categories, max_values: int, num_quantiles: int) -> dict:
    """Measures the columns of a table.

    Args:
        columns: Dict of column to array or sequence, one value per example.
        categories: Names of the columns of integers that are categories.
        max_values: Integer, the size of a category's vocabulary.
        num_quantiles: Integer, the number of intervals of a number's code, or
            0 for none.

    Returns:
        Dict with the arguments `numbers`, `categories`, `quantiles` and
        `dates` of `ColumnPreprocessor`.

    Raises:
        ValueError: If a column is empty or has values of another type.
    """
    numbers, vocabularies, quantiles, dates = {}, {}, {}, {}
    for name, values in columns.items():
        values = np.asarray(values)
        if values.ndim != 1:
            raise ValueError(
                f"ColumnPreprocessor expects the column {name!r} to have one "
                f"value per example. Received: an array of shape {values.shape}"
            )
        if name not in categories and values.dtype.kind not in "OSU":
            numbers[name] = mean_and_deviation(name, values)
            edges = ()
            if num_quantiles:
                edges = quantile_code.edges_of(values, num_quantiles)
            # A constant column has no intervals.
            if edges:
                quantiles[name] = edges
            continue
        texts = [value for value in values.tolist() if not _is_missing(value)]
        if name not in categories and date_code.looks_like_dates(texts):
            dates[name] = date_code.statistics(texts)
        else:
            vocabularies[name] = frequent_values(name, values, max_values)
    return {
        "numbers": numbers,
        "categories": vocabularies,
        "quantiles": quantiles,
        "dates": dates,
    }


def _is_missing(value) -> bool:
    # pandas stores a missing string as NaN, the only value that differs from
    # itself.
    return value in _MISSING or value != value


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
        if _is_missing(value):
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
