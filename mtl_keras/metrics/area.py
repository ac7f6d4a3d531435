"""What the metrics share that are areas under a curve of a whole split."""

import abc

import numpy as np

from mtl_keras.metrics.split_metric import (
    SplitMetric,
    flat_weight,
    without_axis_of_1,
)


class Area(SplitMetric):
    """Mean over binary problems of an area that subclasses define.

    Binary labels, predictions of shape `(N,)` or `(N, 1)`: one problem.
    Several binary labels, predictions of the labels' shape `(N, T)`: one
    problem for each of them ("macro"). Classes, class numbers of shape
    `(N, ...)` and predictions of shape `(N, ..., num_classes)`: one problem
    for each class, against the rest. Problems without an area in the split
    are left out of the mean; NaN if none is left, or if a prediction is NaN.

    Args:
        name: String.
    """

    @abc.abstractmethod
    def area(self, positive, p, weight) -> float:
        """Computes the area of one binary problem.

        Args:
            positive: Boolean array of shape `(labels,)`.
            p: float64 array of probabilities, without NaN.
            weight: float64 array of weights above 0.

        Returns:
            Float.
        """

    def is_defined(self, positive) -> bool:
        """Checks whether the labels of a binary problem have an area."""
        return bool(positive.any())

    def result(self, y_true, y_pred, weight, task_name) -> float:
        """Computes the mean area; see `SplitMetric.result`."""
        self.check(task_name, y_true, y_pred, weight)
        problems = _binary_problems(
            f"Metric {self.name!r} of {task_name!r}",
            y_true[task_name],
            y_pred[task_name],
            weight[task_name],
        )
        areas = [
            float("nan") if np.isnan(p).any() else self.area(positive, p, w)
            for positive, p, w in problems
            if self.is_defined(positive)
        ]
        return float(np.mean(areas)) if areas else float("nan")


def _binary_problems(owner, y_true, y_pred, weight) -> list:
    """Lists `(positive, p, weight)`, each of the labels with a weight."""
    labels = without_axis_of_1(y_true)
    p = without_axis_of_1(np.asarray(y_pred, np.float64))
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
            f"{owner} expects predictions of the labels' shape, or with one "
            f"more axis, over classes. Received: labels of shape "
            f"{labels.shape}, predictions of shape {p.shape}"
        )
    problems = []
    for column in range(positive.shape[1]):
        counts = weights[:, column] > 0
        problems.append(
            tuple(a[counts, column] for a in (positive, p, weights))
        )
    return problems
