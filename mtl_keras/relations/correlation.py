"""Relations between columns of numbers: labels, or predictions.

A task has one column, such as a price, or several, such as one for each class.
The relation of two tasks of which one has several columns is the strongest
one of a column of the first and a column of the second, without its sign.
"""

import warnings
from collections.abc import Mapping

import numpy as np

from mtl_keras import checks
from mtl_keras.messages import listed, unknown
from mtl_keras.relations.matrix import Relations

_CORRELATIONS = ("pearson", "spearman")
# Two points lie on a line: their correlation is 1 or -1, whatever they are.
_FEWEST = 3


def correlation(
    columns: Mapping[str, np.ndarray],
    method: str = "pearson",
    *,
    min_common: int = _FEWEST,
) -> Relations:
    """Computes the correlation of each pair of tasks.

    Rows in which either task has no value are left out, pair by pair.

    Args:
        columns: Dict, task name to array of shape `(examples,)` or
            `(examples, columns)`; NaN where the value is missing.
            `label_columns` and `prediction_columns` make it.
        method: String, `"pearson"`, or `"spearman"`, which reads the ranks.
        min_common: Integer of at least 3: with fewer rows that have both, a
            correlation is undefined.

    Returns:
        `Relations`, symmetric, not signed. A correlation is NaN, with a
        warning, where a column is constant or too few rows have both.

    Raises:
        ValueError: If the method is unknown, the arrays do not fit, or no
            correlation is defined.
    """
    if method not in _CORRELATIONS:
        raise ValueError(unknown("method", method, _CORRELATIONS))
    checks.integer("min_common", min_common, low=_FEWEST)
    columns = checked(columns)
    names = list(columns)
    matrix = np.full((len(names), len(names)), np.nan)
    for i, first in enumerate(names):
        for j, second in enumerate(names[: i + 1]):
            values = [
                _of_pair(a, b, method, min_common)
                for a in columns[first].T
                for b in columns[second].T
            ]
            if i == j:
                # A task with itself: 1 unless it is undefined.
                values = [1.0] if np.isfinite(values).any() else [np.nan]
            matrix[i, j] = matrix[j, i] = _strongest(values)
    relations = Relations(names, matrix, method, is_signed=False)
    _warn_undefined(relations, min_common)
    return relations


def lasso(
    columns: Mapping[str, np.ndarray],
    alpha: float = 0.05,
    *,
    min_common: int = 10,
) -> Relations:
    """Explains each task by all others at once, with few of them.

    A correlation counts what two tasks share with a third; Lasso gives that
    to the task that explains most (Tibshirani, 1996). Each column of task j is
    regressed on the columns of all other tasks, all standardised, by
    `sklearn.linear_model.Lasso(alpha)`; row i, column j is the coefficient of
    task i for task j.

    Args:
        columns: As of `correlation`; only rows without any missing value are
            read.
        alpha: Float above 0, the strength of the penalty.
        min_common: Integer of at least 3, the fewest such rows.

    Returns:
        `Relations`, not symmetric, not signed, with 0 on the diagonal. Rows
        and columns of constant tasks are NaN, with a warning.

    Raises:
        ValueError: If the arrays do not fit, there are fewer than two tasks,
            or too few rows have them all.
    """
    from sklearn import linear_model

    checks.number("alpha", alpha, above=0.0)
    checks.integer("min_common", min_common, low=_FEWEST)
    columns = checked(columns)
    names = list(columns)
    owners = np.repeat(
        range(len(names)), [columns[name].shape[1] for name in names]
    )
    table = np.concatenate([columns[name] for name in names], axis=1)
    table = table[np.isfinite(table).all(axis=1)]
    if len(names) < 2 or len(table) < min_common:
        raise ValueError(
            "Lasso needs two or more tasks and rows that have all their "
            f"values. Expected at least {min_common} rows. Received: "
            f"{len(table)} rows for the tasks {listed(names)}"
        )
    spread = table.std(axis=0)
    is_varied = spread > 1e-12 * np.maximum(np.abs(table).max(axis=0), 1e-300)
    matrix = np.zeros((len(names), len(names)))
    scaled = np.zeros_like(table)
    scaled[:, is_varied] = (table - table.mean(axis=0))[:, is_varied]
    scaled[:, is_varied] /= spread[is_varied]
    for j in range(len(names)):
        is_other = (owners != j) & is_varied
        rows = [
            linear_model.Lasso(alpha=alpha)
            .fit(scaled[:, is_other], scaled[:, target])
            .coef_
            for target in np.flatnonzero((owners == j) & is_varied)
            if is_other.any()
        ]
        for i in range(len(names)):
            if i != j and rows:
                own = np.stack(rows)[:, owners[is_other] == i]
                matrix[i, j] = _strongest(own.ravel()) if own.size else 0.0
    for k in range(len(names)):
        if not is_varied[owners == k].any():
            matrix[k, :] = matrix[:, k] = np.nan
    relations = Relations(names, matrix, "lasso", is_signed=False)
    _warn_undefined(relations, min_common)
    return relations


def checked(columns) -> dict[str, np.ndarray]:
    """Reads one array a task, all with the same number of examples.

    Returns:
        Dict, name to float64 array of shape `(examples, columns)`.

    Raises:
        ValueError: If a shape does not fit or a value is infinite.
    """
    if not isinstance(columns, Mapping) or not columns:
        raise ValueError(
            "Expected a dict of task name to array of shape (examples,) or "
            f"(examples, columns). Received: {type(columns).__name__}"
        )
    by_task = {}
    for name, values in columns.items():
        array = checks.array(name, values)
        if array.ndim == 1:
            array = array[:, None]
        if array.ndim != 2 or not array.size:
            raise ValueError(
                f"{name!r} must have the shape (examples,) or (examples, "
                f"columns). Received: shape {np.shape(values)}"
            )
        if np.isinf(array).any():
            raise ValueError(
                f"The columns of {name!r} must be finite, or NaN where a value "
                "is missing. Received: infinite values"
            )
        by_task[name] = array
    lengths = {name: len(array) for name, array in by_task.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f"All tasks must have the same examples. Received: {lengths}"
        )
    return by_task


def _of_pair(first, second, method, min_common) -> float:
    from scipy import stats

    is_common = np.isfinite(first) & np.isfinite(second)
    first, second = first[is_common], second[is_common]
    if len(first) < min_common:
        return np.nan
    if (first == first[0]).all() or (second == second[0]).all():
        return np.nan
    test = stats.pearsonr if method == "pearson" else stats.spearmanr
    with warnings.catch_warnings():
        # Of columns that are constant to rounding: NaN or noise; checked next.
        warnings.simplefilter("ignore")
        value = float(test(first, second).statistic)
    return value


def _strongest(values) -> float:
    """Returns one value with its sign, or the largest without signs."""
    if len(values) == 1:
        return float(values[0])
    values = np.abs(np.asarray(values, "float64"))
    return float(np.nanmax(values)) if np.isfinite(values).any() else np.nan


def _warn_undefined(relations, min_common):
    pairs = relations.undefined()
    count = len(relations.names)
    if not pairs:
        return
    if len(pairs) == count * (count - 1):
        raise ValueError(
            f"No relation ({relations.measure}) is defined: the columns are "
            f"constant, or fewer than {min_common} examples have labels of "
            f"two tasks. Received: the tasks {listed(relations.names)}"
        )
    shown = ", ".join(f"{a}-{b}" for a, b in pairs[:3])
    warnings.warn(
        f"The {relations.measure} of {len(pairs)} ordered pairs of tasks is "
        f"undefined (NaN), such as {shown}: a column is constant, or fewer "
        f"than {min_common} examples have both.",
        UserWarning,
        stacklevel=3,
    )
