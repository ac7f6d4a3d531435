"""The logs of a group of tasks: a summary, and the worst members by name."""

import math

import keras
import numpy as np
from keras import ops

from mtl_keras.groups import metrics
from mtl_keras.messages import unknown

WORST = "_worst"


class GroupLogs:
    """Turns the members' values into log entries.

    Of each loss and metric of a group the logs have the mean over the members
    that had labels, under the group's name, and the worst of them, under the
    same key with `_worst`; with `Task(log_members=True)` each member's too.

    Args:
        tasks: Dict, task name to `Task`.
    """

    def __init__(self, tasks: dict):
        self._groups = {n: task for n, task in tasks.items() if task.is_group}
        # The values of a whole split, by log key, as evaluated last.
        self.of_split = {}

    @property
    def names(self) -> list[str]:
        """The names of the groups."""
        return list(self._groups)

    @property
    def tasks(self) -> list[str]:
        """The names that log keys begin with."""
        return [
            name
            for task in self._groups.values()
            if task.log_members
            for name in task.members
        ]

    def entries(self, group, key, values, *, is_higher_better: bool) -> dict:
        """Summarises a vector of a step.

        Args:
            group: String.
            key: String, `"loss"` or a metric's name.
            values: float32 tensor of shape `(members,)`; NaN where a member
                had no label.
            is_higher_better: Boolean.

        Returns:
            Dict of scalar tensors by log key.
        """
        if group not in self._groups:
            return {f"{group}_{key}": values}
        is_defined = ops.logical_not(ops.isnan(values))
        count = ops.sum(ops.cast(is_defined, "float32"))
        total = ops.sum(ops.where(is_defined, values, 0.0))
        sign = 1.0 if is_higher_better else -1.0
        lowest = ops.min(ops.where(is_defined, sign * values, math.inf))
        entries = {
            f"{group}_{key}": total / count,
            f"{group}_{key}{WORST}": ops.where(
                count > 0, sign * lowest, math.nan
            ),
        }
        task = self._groups[group]
        if task.log_members:
            parts = ops.unstack(values, len(task.members))
            keys = [f"{member}_{key}" for member in task.members]
            entries |= dict(zip(keys, parts, strict=True))
        return entries

    def keys(self, group: str, key: str) -> list[str]:
        """Lists the log keys of a loss or metric.

        Args:
            group: String, a group or a single task.
            key: String, `"loss"` or a metric's name.
        """
        keys = [f"{group}_{key}"]
        if group in self._groups:
            keys.append(f"{group}_{key}{WORST}")
            task = self._groups[group]
            if task.log_members:
                keys += [f"{member}_{key}" for member in task.members]
        return keys

    def split_entries(self, group: str, metric, values) -> dict:
        """Summarises a metric of the whole split, on the host.

        Args:
            group: String.
            metric: `ColumnwiseMetric`.
            values: float64 array of shape `(members,)`.

        Returns:
            Dict of floats by log key.
        """
        self.of_split[f"{group}_{metric.name}"] = values
        is_higher_better = metrics.is_higher_better(metric)
        members = self._groups[group].members
        worst = metrics.worst(
            values, members, is_higher_better=is_higher_better, count=1
        )
        summary = [
            metrics.mean(values),
            next(iter(worst.values()), math.nan),
            *map(float, values),
        ]
        return dict(zip(self.keys(group, metric.name), summary, strict=False))

    def worst(self, board, group: str, key: str, count: int) -> dict:
        """Finds the members of a group with the worst values.

        Args:
            board: `TaskTracking`, whose trackers have the values.
            group: String.
            key: String, `"loss"` or a metric's name.
            count: Integer, how many.

        Returns:
            Dict, member to float, the worst first.

        Raises:
            ValueError: If there is no such group or metric.
        """
        if group not in self._groups:
            raise ValueError(unknown("group", group, self.names))
        values = self._values(board, group)
        if key not in values:
            raise ValueError(unknown(f"metric of {group!r}", key, values))
        vector, is_higher_better = values[key]
        return metrics.worst(
            vector,
            self._groups[group].members,
            is_higher_better=is_higher_better,
            count=count,
        )

    def report(self, board, count: int = 5) -> str:
        """Names the worst members of each group, a line a metric.

        Args:
            board: `TaskTracking`.
            count: Integer, how many.
        """
        lines = []
        for group in self._groups:
            for key in self._values(board, group):
                worst = self.worst(board, group, key, count)
                if worst:
                    named = ", ".join(f"{n} {v:.4g}" for n, v in worst.items())
                    lines.append(f"{group}_{key}, the worst: {named}")
        return "\n".join(lines)

    def _values(self, board, group) -> dict:
        """Returns `(vector, is_higher_better)` by the name of the metric."""
        values = {}
        if group in board.places:
            losses = ops.convert_to_numpy(board.losses.result())
            values["loss"] = losses[board.places[group]], False
        for metric in board.metrics.get(group, ()):
            vector = np.asarray(ops.convert_to_numpy(metric.result()))
            values[metric.name] = vector, metrics.is_higher_better(metric)
        for metric in board.split_metrics.get(group, ()):
            vector = self.of_split.get(f"{group}_{metric.name}")
            if vector is not None:
                values[metric.name] = vector, metrics.is_higher_better(metric)
        return values


class WorstMembers(keras.callbacks.Callback):
    """Prints the worst members of each group when training ends."""

    def on_train_end(self, logs=None):
        """Prints them."""
        # `self.model` brings the state back from a step of JAX.
        self.model.print_worst_members()
