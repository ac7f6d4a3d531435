"""Metrics of a group: a value for each of its columns.

A streaming metric keeps its sums as vectors, so that a step costs the same
for 3 and for 1,000 members; a metric of the whole split is computed for one
member after the other, on the host.
"""

import math

import numpy as np

from mtl_keras import metrics
from mtl_keras.messages import listed
from mtl_keras.metrics.mean_error import MeanError
from mtl_keras.metrics.split_metric import SplitMetric

# Those whose columns are metrics by themselves.
_STREAMING = (metrics.Accuracy, metrics.F1, metrics.R2, MeanError)


def by_column(by_task: dict, tasks: dict) -> dict:
    """Makes the metrics of groups keep a value for each member.

    Args:
        by_task: Dict, task name to a list of metrics.
        tasks: Dict, task name to `Task`.

    Returns:
        Dict of the same structure; metrics of single tasks stay.

    Raises:
        ValueError: If a metric has no value for each member.
    """
    return {
        name: [_of_columns(metric, tasks[name]) for metric in group]
        if tasks[name].is_group
        else group
        for name, group in by_task.items()
    }


def _of_columns(metric, task):
    if isinstance(metric, SplitMetric):
        if metric.reads(task.name) != (task.name,):
            raise ValueError(
                f"The metric {metric.name!r} of the group {task.name!r} must "
                "read no other task. Received: one that reads "
                f"{listed(metric.reads(task.name))}"
            )
        return ColumnwiseMetric(metric, len(task.members))
    is_of_classes = getattr(metric, "num_classes", None) is not None
    is_of_vectors = getattr(metric, "num_outputs", 1) != 1
    if not isinstance(metric, _STREAMING) or is_of_classes or is_of_vectors:
        names = [
            name
            for name in metrics.list_metrics()
            if issubclass(type(metrics.get(name)), (*_STREAMING, SplitMetric))
        ]
        raise ValueError(
            f"The metric {metric.name!r} has no value for each member of the "
            f"group {task.name!r}. Expected one of {listed(names)}, by name, "
            f"of single labels. Received: {type(metric).__name__}"
        )
    cls = type(metric)
    columnwise = type(
        cls.__name__,
        (cls,),
        # As its own class: what is not of this package is called otherwise.
        {"num_columns": len(task.members), "__module__": cls.__module__},
    )
    return columnwise.from_config(metric.get_config())


def is_higher_better(metric) -> bool:
    """Checks whether the worst value of a metric is the least."""
    metric = getattr(metric, "metric", metric)
    return getattr(metric, "higher_is_better", True) and not isinstance(
        metric, MeanError
    )


class ColumnwiseMetric(SplitMetric):
    """The mean of a metric over the members of a group.

    Args:
        metric: `SplitMetric` of one task.
        num_members: Integer.
    """

    def __init__(self, metric: SplitMetric, num_members: int):
        super().__init__(metric.name)
        self.metric = metric
        self.num_members = num_members

    def result(self, y_true, y_pred, weight, task_name) -> float:
        """Computes the mean over the members where it is defined."""
        return mean(self.by_member(y_true, y_pred, weight, task_name))

    def by_member(self, y_true, y_pred, weight, task_name) -> np.ndarray:
        """Computes each member's metric, NaN where it is undefined.

        Args:
            y_true: As of `SplitMetric.result`, of shape `(examples, members)`.
            y_pred: As of `SplitMetric.result`.
            weight: As of `SplitMetric.result`.
            task_name: String, the group.

        Returns:
            float64 array of shape `(members,)`.
        """
        arrays = [
            _columns(part[task_name], self.num_members)
            for part in (y_true, y_pred, weight)
        ]
        return np.array(
            [
                self.metric.result(
                    *({task_name: array[:, k]} for array in arrays), task_name
                )
                if np.any(arrays[2][:, k])
                else math.nan
                for k in range(self.num_members)
            ],
            "float64",
        )


def _columns(array, num_members):
    """Gives weights of whole examples, and one column, an axis of members."""
    array = np.asarray(array)
    if array.ndim == 1:
        array = array[:, None]
    if array.shape[1] == num_members:
        return array
    return np.broadcast_to(array, (len(array), num_members))


def mean(values) -> float:
    """Computes the mean of what is not NaN; NaN of nothing."""
    values = np.asarray(values, "float64")
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else math.nan


def worst(values, names, *, is_higher_better: bool, count: int = 5) -> dict:
    """Finds the members with the worst values.

    Args:
        values: Array of shape `(members,)`; NaN where a member has none.
        names: Sequence of strings, the members.
        is_higher_better: Boolean.
        count: Integer, how many to name.

    Returns:
        Dict, member to float, the worst first.
    """
    values = np.asarray(values, "float64")
    order = np.argsort(values if is_higher_better else -values, kind="stable")
    order = [k for k in order if not np.isnan(values[k])][:count]
    return {names[k]: float(values[k]) for k in order}
