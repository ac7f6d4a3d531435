"""The figures that a multi-task model logs, each by the labels present."""

import keras
from keras import ops

from mtl_keras import metrics
from mtl_keras.metrics.keras_arguments import keras_arguments
from mtl_keras.model.task_loss import (
    class_numbers,
    metric_weights,
    usable_labels,
)

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


class LabelMeans(keras.metrics.Metric):
    """Means over labels: sums of weighted values over counts of labels.

    Sum and count are kept apart, so that an uneven last batch, missing labels
    and several replicas all give the mean over every label of the epoch. One
    vector holds all tasks: a step then costs the same for 3 and for 40.

    Args:
        num_means: Integer.
        name: String.
    """

    def __init__(self, num_means: int, name: str):
        super().__init__(name=name, dtype="float32")
        self.totals = self.add_variable((num_means,), "zeros", name="totals")
        self.counts = self.add_variable((num_means,), "zeros", name="counts")

    def update_state(self, totals, counts):
        """Adds a batch.

        Args:
            totals: Tensor of shape `(num_means,)`, the sums over the batch.
            counts: Tensor of shape `(num_means,)`, over how many labels each.
        """
        self.totals.assign_add(ops.cast(totals, "float32"))
        self.counts.assign_add(ops.cast(counts, "float32"))

    def result(self):
        """Returns the means so far; 0 where no label was seen."""
        totals = ops.convert_to_tensor(self.totals)
        counts = ops.convert_to_tensor(self.counts)
        return totals / ops.maximum(counts, 1.0)


class LabelAudit(keras.metrics.Metric):
    """Counts, inside the compiled step, what no task may have.

    Labels that are no legal answer; losses that a balancer cannot read.

    A compiled step cannot raise. It counts instead, and the model raises
    after the first batch and at the end of each epoch.

    Args:
        num_tasks: Integer.
    """

    def __init__(self, num_tasks: int):
        super().__init__(name="invalid_labels", dtype="float32")
        self.counts = self.add_variable((num_tasks,), "zeros", name="counts")

    def update_state(self, counts):
        """Adds a batch's number of illegal labels, shape `(num_tasks,)`."""
        self.counts.assign_add(ops.cast(counts, "float32"))

    def result(self):
        """Returns the counts, shape `(num_tasks,)`."""
        return ops.convert_to_tensor(self.counts)


class TaskTracking:
    """Owns the trackers of one compiled model; invisible to Keras's tracking.

    Recompiling replaces it whole, so no tracker of an earlier compilation
    stays behind in the model's state.

    Args:
        names: Sequence of strings, the tasks that have a loss, in order.
        metrics: Dict, task name to a list of metrics of Keras.
        weighted_metrics: Dict, likewise; these see the sample weights.
        split_metrics: Dict, task name to a list of `SplitMetric`.
        balance: `BalanceLog`, or `None`.
    """

    def __init__(
        self, names, metrics, weighted_metrics, split_metrics, balance=None
    ):
        self.names = tuple(names)
        self.losses = LabelMeans(max(len(self.names), 1), "losses")
        self.regularization = LabelMeans(1, "regularization")
        self.audit = LabelAudit(max(len(self.names), 1))
        self.negative = LabelAudit(max(len(self.names), 1))
        self.metrics = metrics
        self.weighted_metrics = weighted_metrics
        self.split_metrics = split_metrics
        self.balance = balance
        self.log_names = None

    def all(self) -> list[keras.metrics.Metric]:
        """Returns every tracker, for resetting and for the step's state."""
        return [
            self.losses,
            self.regularization,
            self.audit,
            self.negative,
            *([] if self.balance is None else [self.balance]),
            *(m for group in self.metrics.values() for m in group),
            *(m for group in self.weighted_metrics.values() for m in group),
        ]

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
            f"{name}_{metric.name}"
            for name, group in self.split_metrics.items()
            for metric in group
        ]

    def results(self) -> dict:
        """Returns the logs of the losses and streaming metrics by key."""
        means = self.losses.result()
        logs = {f"{n}_loss": means[i] for i, n in enumerate(self.names)}
        for groups in (self.metrics, self.weighted_metrics):
            for name, group in groups.items():
                for metric in group:
                    logs.update(_named(name, metric, logs))
        return logs

    def split_results(self, arrays) -> dict:
        """Computes the metrics of a whole split.

        Args:
            arrays: Tuple of three dicts, task name to NumPy array: labels
                (missing ones filled), predictions, weights.

        Returns:
            Dict of floats by log key.
        """
        return {
            f"{name}_{metric.name}": float(metric.result(*arrays, name))
            for name, group in self.split_metrics.items()
            for metric in group
        }

    def update_metrics(
        self, labels, predictions, weights, tasks, *, collect: bool
    ) -> dict:
        """Adds a batch to the metrics.

        Args:
            labels: Dict, task name to labels; tasks may be absent.
            predictions: Dict, task name to predictions.
            weights: Dict, task name to sample weights; tasks may be absent.
            tasks: Dict, task name to `Task`.
            collect: Bool, whether to return what split metrics read.

        Returns:
            Dict, task name to `(labels, predictions, weights)`; labels and
            weights are `None` for a task that only lends its predictions.
        """
        read = set(self.split_reads()) if collect else ()
        collected = {name: (None, predictions[name], None) for name in read}
        for name, label in labels.items():
            spec = tasks[name].label
            present, _ = usable_labels(spec, label)
            filled = spec.fill(label, present)
            present, given = metric_weights(spec, present, weights.get(name))
            seen = (spec, filled, predictions[name])
            for metric in self.metrics.get(name, ()):
                update_metric(metric, *seen, present)
            for metric in self.weighted_metrics.get(name, ()):
                update_metric(metric, *seen, given)
            if name in read:
                numbers = class_numbers(spec, filled)
                collected[name] = (numbers, predictions[name], present)
        return collected

    def num_samples(self, bootstrap) -> int | None:
        """Checks how often a split shall be resampled.

        Args:
            bootstrap: Integer of at least 2, or `None` for not at all.

        Returns:
            Integer or `None`.

        Raises:
            ValueError: If it is no such number, or no metric is one of the
                whole split.
        """
        if bootstrap is None:
            return None
        if not self.split_metrics:
            raise ValueError(
                "`bootstrap` gives intervals of metrics of the whole split, "
                "and this model was compiled with none. Received: "
                f"bootstrap={bootstrap!r}. Compile it with one, such as "
                "metrics={task: ['auc']}."
            )
        return metrics.bootstrap.num_draws("bootstrap", bootstrap)

    def split_intervals(self, arrays, num_samples: int) -> dict:
        """Computes bootstrap intervals of the metrics of a whole split.

        Args:
            arrays: As of `split_results`.
            num_samples: Integer, how often the split is resampled.

        Returns:
            Dict of floats: the low and the high end of each, by log key.
        """
        found = metrics.bootstrap.intervals(
            self.split_metrics, *arrays, num_samples=num_samples
        )
        return {
            f"{key}_{end}": value
            for key, interval in found.items()
            for end, value in zip(("low", "high"), interval, strict=True)
        }


def update_metric(metric, spec, label, prediction, weight) -> None:
    """Adds a batch to a metric, each label with a weight of its own.

    Metrics of Keras such as `MeanAbsoluteError` average over the last axis
    before they weigh. Where each element is a label, they are given a last
    axis of 1 instead, so that some of a vector's labels can be missing; any
    other mean counts a vector only where no label in it is missing.

    Args:
        metric: `keras.metrics.Metric`.
        spec: `LabelSpec` of the task.
        label: Tensor of labels, none of them missing.
        prediction: Tensor of predictions.
        weight: float32 tensor, 0 where a label is missing.
    """
    if isinstance(metric, metrics.Accuracy | metrics.Dice | metrics.F1):
        label = class_numbers(spec, label)
    is_mean = isinstance(metric, keras.metrics.MeanMetricWrapper)
    rank = len(prediction.shape)
    if is_mean and rank > 1 and len(weight.shape) == len(label.shape) == rank:
        if type(metric) in _AVERAGING:
            label = ops.expand_dims(label, axis=-1)
            prediction = ops.expand_dims(prediction, axis=-1)
        else:
            weight = ops.min(weight, axis=-1)
    metric.update_state(*keras_arguments(metric, label, prediction, weight))


def _named(task, metric, taken) -> dict:
    result = metric.result()
    if isinstance(result, dict):
        return {f"{task}_{key}": value for key, value in result.items()}
    key = f"{task}_{metric.name}"
    # `metrics` and `weighted_metrics` may hold the same metric.
    return {f"{task}_weighted_{metric.name}" if key in taken else key: result}
