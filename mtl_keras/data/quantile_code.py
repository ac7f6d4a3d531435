"""Codes of numbers by their quantiles: piecewise-linear encoding.

Gorishniy et al., On Embeddings for Numerical Features in Tabular Deep Learning,
NeurIPS 2022, https://arxiv.org/abs/2203.05556.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


def edges_of(values, number: int) -> list[float]:
    """Finds the edges of a column's intervals.

    Half of them are quantiles of the values, the other half quantiles of the
    different values: a column that is mostly 0 still has many intervals.

    Args:
        values: NumPy array of numbers; those that are not finite are missing.
        number: Integer of at least 2, the largest number of intervals.

    Returns:
        Increasing list of floats, at most `number + 1` and empty for a
        constant column.
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)].astype(np.float32)
    unique = np.unique(values)
    if unique.size < 2:
        return []
    if unique.size <= number + 1:
        return unique.tolist()
    # A data set that is mostly one value has few quantiles of its own.
    places = np.linspace(0, 1, number // 2 + 1)
    edges = np.concatenate(
        [np.quantile(part, places) for part in (values, unique)]
    )
    return np.unique(edges.astype(np.float32)).tolist()


def check(column: str, edges) -> tuple[float, ...]:
    """Checks the edges of a column.

    Args:
        column: String.
        edges: Sequence of at least two increasing finite numbers.

    Returns:
        Tuple of floats.

    Raises:
        ValueError: If they are something else.
    """
    is_sequence = isinstance(edges, Sequence | np.ndarray)
    try:
        array = np.asarray(edges, np.float32)
    except (TypeError, ValueError):
        is_sequence = False
    if (
        not is_sequence
        or array.ndim != 1
        or array.size < 2
        or not np.isfinite(array).all()
        or not (np.diff(array) > 0).all()
    ):
        raise ValueError(
            f"ColumnPreprocessor expects the quantiles of the column "
            f"{column!r} to be at least two increasing finite numbers. "
            f"Received: {edges!r}"[:300]
        )
    return tuple(float(edge) for edge in array)


def encode(values, edges):
    """Computes the code of numbers.

    Value `i` is 0 below interval `i`, 1 above it, and between them within it.

    Args:
        values: float32 tensor of shape `(...)`; NaN is missing.
        edges: Tuple of n + 1 floats.

    Returns:
        float32 tensor of shape `(..., n)`, 0 where a number is missing.
    """
    lower = tf.constant(edges[:-1])
    # In float64: the difference of two float32 may overflow.
    widths = np.diff(np.asarray(edges, np.float64))
    clipped = tf.clip_by_value(values, edges[0], edges[-1])[..., None]
    code = tf.cast(clipped, tf.float64) - tf.cast(lower, tf.float64)
    code = tf.cast(tf.clip_by_value(code / widths, 0.0, 1.0), tf.float32)
    return tf.where(tf.math.is_nan(values)[..., None], 0.0, code)
