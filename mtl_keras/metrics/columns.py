"""Reads yes-or-no columns from labels and predictions of a split."""

import numpy as np

from mtl_keras.metrics.split_metric import flat_weight


def columns(name: str, task_name: str, y_true, y_pred, weight) -> list:
    """Splits labels into columns, each yes or no.

    Args:
        name: String, the metric, for the error.
        task_name: String, the task, for the error.
        y_true: Array of labels: yes or no of shape `(N,)` or `(N, 1)`;
            several of them, `(N, T)`; or class numbers `(N, ...)`.
        y_pred: Array of probabilities of the labels' shape, or with one axis
            more, over classes.
        weight: Array of weights of shape `(N,)` or of the labels' shape.

    Returns:
        List of tuples `(positive, p, weight)` of the entries of a column that
        have a weight: one column for yes or no, one for each of several
        labels, one for each class against the rest.

    Raises:
        ValueError: If the shapes do not fit.
    """
    labels = _without_axis_of_1(np.asarray(y_true))
    p = _without_axis_of_1(np.asarray(y_pred, np.float64))
    weights = flat_weight(weight, labels.shape)
    if p.shape == labels.shape:
        size = labels.shape[1] if labels.ndim == 2 else 1
        positive = (labels > 0.5).reshape(-1, size)
        p = p.reshape(-1, size)
        weights = weights.reshape(-1, size)
    elif p.shape[:-1] == labels.shape:
        positive = labels.reshape(-1, 1) == np.arange(p.shape[-1])
        p = p.reshape(positive.shape)
        weights = np.broadcast_to(weights[:, None], positive.shape)
    else:
        raise ValueError(
            f"Metric {name!r} of {task_name!r} expects predictions "
            "of the labels' shape, or with one axis more, over classes. "
            f"Received: labels of shape {labels.shape}, predictions of "
            f"shape {p.shape}"
        )
    result = []
    for column in range(positive.shape[1]):
        counts = weights[:, column] > 0
        result.append(tuple(a[counts, column] for a in (positive, p, weights)))
    return result


def _without_axis_of_1(array):
    if array.ndim > 1 and array.shape[-1] == 1:
        return array[..., 0]
    return array
