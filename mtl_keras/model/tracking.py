"""What a multi-task model logs: means over the labels that are present."""

import math

import keras
import numpy as np
from keras import ops

from mtl_keras import compat, metrics, shapes
from mtl_keras.groups.members import places
from mtl_keras.groups.metrics import ColumnwiseMetric, is_higher_better
from mtl_keras.metrics.keras_arguments import (
    keras_arguments,
    uncount_missing,
)
from mtl_keras.model.audit import LabelAudit, LabelCounts
from mtl_keras.model.batch_labels import BatchLabels, class_numbers
from mtl_keras.model.group_logs import GroupLogs
from mtl_keras.model.label_means import LabelMeans

# Metrics of Keras that average an elementwise formula over the last axis.
_AVERAGING = (
    keras.metrics.BinaryAccuracy,
    keras.metrics.BinaryCrossentropy,
    keras.metrics.Hinge,
    keras.metrics.LogCoshError,
    keras.metrics.MeanAbsoluteError,
    keras.metrics.MeanAbsolutePercentageError,
    keras.metrics.MeanSquaredError,
    keras.metrics.MeanSquaredLogarithmicError,
    keras.metrics.Poisson,
    keras.metrics.SquaredHinge,
)

# Metrics of Keras that count or add up: 0 over no label.
_COUNTING = (
    keras.metrics.FalseNegatives,
    keras.metrics.FalsePositives,
    keras.metrics.Sum,
    keras.metrics.TrueNegatives,
    keras.metrics.TruePositives,
)


class TaskTracking:
    """The trackers of one compiled model, hidden from Keras's own tracking.

    Compiling again replaces this object, so the model's state holds no
    tracker of an earlier compilation.

    Args:
        members: Dict, the name of each output that has a loss, in order, to
            the tasks it stands for: the members of a group, else itself.
        metrics: Dict, task name to a list of metrics of Keras.
        weighted_metrics: Dict, likewise; these see the sample weights.
        split_metrics: Dict, task name to a list of `SplitMetric`.
        balance: `BalanceLog`, or `None`.
        watch: `FiniteWatch`, or `None`.
        groups: `GroupLogs`; `None` where there are no groups.
    """

    def __init__(
        self,
        members,
        metrics,
        weighted_metrics,
        split_metrics,
        balance=None,
        watch=None,
        groups=None,
    ):
        self.names = tuple(m for group in members.values() for m in group)
        self.places = places(members)
        self.groups = groups or GroupLogs({})
        self.losses = LabelMeans(max(len(self.names), 1), "losses")
        # Here, since Keras's step on JAX computes the logs where no variable
        # but the trackers' has a value.
        self.loss_weights = LabelMeans(max(len(self.names), 1), "loss_weights")
        self.regularization = LabelMeans(1, "regularization")
        self.audit = LabelAudit(self.names)
        self.negative = LabelAudit(self.names)
        self.metrics = metrics
        self.weighted_metrics = weighted_metrics
        self.split_metrics = split_metrics
        self.label_counts = LabelCounts(
            sorted({*members, *metrics, *weighted_metrics, *self.split_reads()})
        )
        self.balance = balance
        self.watch = watch
        self.log_names = None

    def all(self) -> list[keras.metrics.Metric]:
        """Lists every tracker, for resetting and for the step's state."""
        return [
            self.losses,
            self.loss_weights,
            self.regularization,
            self.audit,
            self.negative,
            self.label_counts,
            *(t for t in (self.balance, self.watch) if t is not None),
            *(m for group in self.metrics.values() for m in group),
            *(m for group in self.weighted_metrics.values() for m in group),
        ]

    def undone_by_skipping(self, variables: list) -> list:
        """Lists the trackers' variables that a skipped step leaves as before.

        Args:
            variables: List of the model's metric variables.

        Returns:
            List of variables: all but those of errors of the data, which
            raise in a skipped step as well.
        """
        audits = (self.audit, self.negative, self.watch)
        counted = {id(v) for audit in audits for v in audit.variables}
        return [v for v in variables if id(v) not in counted]

    def split_reads(self) -> list[str]:
        """Lists the tasks whose labels and predictions a split metric reads."""
        return sorted(
            {
                read
                for name, group in self.split_metrics.items()
                for metric in group
                for read in metric.reads(name)
            }
        )

    def split_names(self) -> list[str]:
        """Lists the log keys of the metrics of a whole split, in order."""
        return [
            key
            for name, group in self.split_metrics.items()
            for metric in group
            for key in self.groups.keys(name, metric.name)
        ]

    def results(self) -> dict:
        """Returns the logs of the losses and streaming metrics by key."""
        logs, seen = {}, self.label_counts.of("seen")
        if self.names:
            logs = self._losses(self.losses.result())
        is_seen = {name: count > 0 for name, count in seen.items()}
        for groups in (self.metrics, self.weighted_metrics):
            for name, group in groups.items():
                for metric in group:
                    logs.update(
                        _named(name, metric, logs, is_seen[name], self.groups)
                    )
        return logs

    def _losses(self, means) -> dict:
        if not self.groups.names:
            # One operation, where a slice a task would be hundreds.
            means = ops.unstack(means, len(self.names))
            keys = [f"{name}_loss" for name in self.names]
            return dict(zip(keys, means, strict=True))
        logs = {}
        for name, place in self.places.items():
            values = means[place]
            if name not in self.groups.names:
                values = values[0]
            logs |= self.groups.entries(
                name, "loss", values, is_higher_better=False
            )
        return logs

    def total_loss(self, balancer):
        """Computes the total: the weighted sum over tasks that had labels.

        Args:
            balancer: `Balancer`.

        Returns:
            float32 scalar tensor; NaN where no task had a label.
        """
        total = self.regularization.finite_means()[0]
        if not self.names:
            return total
        means, is_seen = self.losses.finite_means(), self.losses.is_seen()
        if balancer.is_fixed and balancer.variables:
            means = self.loss_weights.finite_means() * means
        elif balancer.is_fixed:
            means = balancer.weights(losses=means) * means
        total = total + ops.sum(ops.where(is_seen, means, 0.0))
        return ops.where(ops.any(is_seen), total, math.nan)

    def split_results(self, arrays) -> dict:
        """Computes the metrics of a whole split.

        Args:
            arrays: Tuple of three dicts, task name to NumPy array: labels
                (missing ones filled), predictions, weights.

        Returns:
            Dict of floats by log key.
        """
        results = {}
        for name, group in self.split_metrics.items():
            for metric in group:
                is_defined = _has_labels(metric, name, arrays)
                if isinstance(metric, ColumnwiseMetric):
                    values = metric.by_member(*arrays, name)
                    results |= self.groups.split_entries(name, metric, values)
                    continue
                value = metric.result(*arrays, name) if is_defined else math.nan
                results[f"{name}_{metric.name}"] = float(value)
        return results

    def update_metrics(
        self,
        labels,
        predictions,
        weights,
        tasks,
        *,
        collect: bool,
        misfits=None,
    ) -> dict:
        """Adds a batch to the metrics.

        Args:
            labels: Dict, task name to labels; tasks may be absent.
            predictions: Dict, task name to predictions.
            weights: Dict, task name to sample weights; tasks may be absent.
            tasks: Dict, task name to `Task`.
            collect: Bool, whether to return what split metrics read.
            misfits: Dict, task name to a boolean scalar, whether the batch
                axis of its labels or weights is wrong.

        Returns:
            Dict, task name to `(labels, predictions, weights)`; labels and
            weights are `None` where the batch has no labels of the task.
        """
        read = set(self.split_reads()) if collect else ()
        collected = {name: (None, predictions[name], None) for name in read}
        num_seen, num_clipped = {}, {}
        for name, label in labels.items():
            if name not in self.label_counts.names:
                continue
            mask = compat.get_mask(predictions[name])
            batch = BatchLabels(tasks[name], label, weights.get(name), mask)
            num_seen[name] = ops.sum(batch.marks())
            if tasks[name].label.tolerance:
                num_clipped[name] = batch.num_clipped
            seen = (tasks[name].label, batch.filled, predictions[name])
            for metric in self.metrics.get(name, ()):
                update_metric(metric, *seen, batch.marks())
            for metric in self.weighted_metrics.get(name, ()):
                update_metric(metric, *seen, batch.weights())
            if name in read:
                collected[name] = (
                    batch.numbers,
                    predictions[name],
                    batch.marks(),
                )
        self.label_counts.update_state(
            {"seen": num_seen, "misfits": misfits or {}, "clipped": num_clipped}
        )
        return collected

    def num_samples(self, bootstrap) -> int | None:
        """Checks the number of bootstrap samples of a split.

        Args:
            bootstrap: Integer of at least 2, or `None` for no intervals.

        Returns:
            Integer or `None`.

        Raises:
            ValueError: If it is not such an integer, or the model has no
                metric of the whole split.
        """
        if bootstrap is None:
            return None
        if not self.split_metrics:
            raise ValueError(
                "`bootstrap` gives intervals of metrics of the whole split; "
                "this model was compiled with none. Received: "
                f"bootstrap={bootstrap!r}. Compile it with one, such as "
                "metrics={task: ['auc']}."
            )
        return metrics.bootstrap.num_draws("bootstrap", bootstrap)

    def split_intervals(self, arrays, num_samples: int) -> dict:
        """Computes bootstrap intervals of the metrics of a whole split.

        Args:
            arrays: As of `split_results`.
            num_samples: Integer, the number of bootstrap samples.

        Returns:
            Dict of floats: both ends of each interval by log key.
        """
        defined = {
            name: [m for m in group if _has_labels(m, name, arrays)]
            for name, group in self.split_metrics.items()
        }
        keys = [
            f"{n}_{m.name}" for n, g in self.split_metrics.items() for m in g
        ]
        intervals = dict.fromkeys(keys, (math.nan, math.nan))
        intervals |= metrics.bootstrap.intervals(
            defined, *arrays, num_samples=num_samples
        )
        return {
            f"{key}_{end}": value
            for key, interval in intervals.items()
            for end, value in zip(("low", "high"), interval, strict=True)
        }


def update_metric(metric, spec, label, prediction, weight) -> None:
    """Adds a batch to a metric; each label has a weight of its own.

    Metrics of Keras such as `MeanAbsoluteError` average over the last axis
    before they apply weights. Where each element is a label, they receive a
    last axis of 1 instead, so that part of a vector can be missing. Any other
    mean counts a vector only if none of its labels is missing. Metrics that
    are not of this package receive labels and predictions of one rank.

    Args:
        metric: `keras.metrics.Metric`.
        spec: `LabelSpec` of the task.
        label: Tensor of labels, missing ones filled.
        prediction: Tensor of predictions.
        weight: float32 tensor, 0 where a label does not count.
    """
    if isinstance(metric, metrics.Accuracy | metrics.Dice | metrics.F1):
        label = class_numbers(spec, label)
    if type(metric).__module__.startswith("mtl_keras."):
        metric.update_state(label, prediction, weight)
        return
    is_by_label = len(weight.shape) == len(label.shape)
    if type(metric) in _AVERAGING and is_by_label:
        label, prediction = shapes.paired(metric.name, label, prediction)
        weight = shapes.align(weight, label, metric.name, what="sample_weight")
        label = ops.expand_dims(label, axis=-1)
        prediction = ops.expand_dims(prediction, axis=-1)
    else:
        if _is_of_keras(metric):
            label, prediction = shapes.same_rank(label, prediction)
        else:
            label = shapes.in_rank_of(prediction, label)
        is_mean = isinstance(metric, keras.metrics.MeanMetricWrapper)
        rank = len(prediction.shape)
        if is_mean and len(weight.shape) == len(label.shape) == rank > 1:
            weight = ops.min(weight, axis=-1)
    label, prediction, weight = keras_arguments(
        metric, label, prediction, weight
    )
    metric.update_state(label, prediction, sample_weight=weight)
    uncount_missing(metric, label, weight)


def _is_of_keras(metric) -> bool:
    """Checks that neither a class nor a function of the user computes it."""
    is_wrapper = type(metric) is keras.metrics.MeanMetricWrapper
    return type(metric).__module__.startswith("keras.") and not is_wrapper


def _named(task, metric, logs, is_seen, groups) -> dict:
    result = metric.result()
    if task in groups.names:
        key = metric.name
        key = f"weighted_{key}" if f"{task}_{key}" in logs else key
        return groups.entries(
            task, key, result, is_higher_better=is_higher_better(metric)
        )
    if not isinstance(metric, _COUNTING):
        # A mean over nothing is not 0: that would be the best of losses.
        result = keras.tree.map_structure(
            lambda value: ops.where(is_seen, value, math.nan), result
        )
    if isinstance(result, dict):
        return {f"{task}_{key}": value for key, value in result.items()}
    key = f"{task}_{metric.name}"
    # `metrics` and `weighted_metrics` may hold the same metric.
    return {f"{task}_weighted_{metric.name}" if key in logs else key: result}


def _has_labels(metric, task, arrays) -> bool:
    """Checks that each task that a split metric reads has a label."""
    weights = arrays[2]
    return all(np.any(weights[name]) for name in metric.reads(task))
