"""What models gain over others on a split, with bootstrap intervals."""

import dataclasses

import numpy as np

from mtl_keras import losses, metrics
from mtl_keras.metrics.iou import iou


@dataclasses.dataclass(frozen=True)
class Gain:
    """What one model gains over another in one measure.

    Attributes:
        value: Float, the measure of the model.
        gain: Float, what is better than the other model's; above 0 is better
            where lower values are, too.
        low: Float, the lower end of the 95% bootstrap interval of the gain.
        high: Float, the higher end.
    """

    value: float
    gain: float
    low: float
    high: float


class Measures:
    """The measures of a split's tasks: loss, accuracy, overlap, metrics of it.

    Args:
        model: `MultiTaskModel`, whose tasks are measured; compiled or not.
        labels: Dict of task name to array of labels, missing ones marked.
    """

    def __init__(self, model, labels: dict):
        self._tasks = {
            name: task
            for name, task in model.tasks.items()
            if name in labels and task.kind is not None
        }
        self._labels, self._weights = {}, {}
        for name, task in self._tasks.items():
            label = np.asarray(labels[name])
            present = np.broadcast_to(task.label.present(label), label.shape)
            filled = task.label.fill(label, present)
            self._labels[name] = np.asarray(filled)
            if task.label.rule is not None:
                # A vector, such as a box, is one label.
                present = present.all(-1)
            self._weights[name] = present.astype("float64")
        self.size = len(next(iter(self._labels.values())))

    def of(self, outputs: dict) -> dict:
        """Prepares the measures of one model.

        Args:
            outputs: Dict of task name to array of predictions.

        Returns:
            Dict of measure name, such as `"cls_accuracy"`, to a function of
            examples' numbers that returns a float.
        """
        functions = {}
        for name, task in self._tasks.items():
            functions.update(self._of_task(name, task, outputs))
        return functions

    def _of_task(self, name, task, outputs):
        label, weight = self._labels[name], self._weights[name]
        output = np.asarray(outputs[name])
        loss = task.default_loss()
        if not losses.couples_labels(loss):
            values = np.asarray(losses.values(loss, label, output))
            yield f"{name}_loss", _mean(_by_example(values, label), weight)
        if task.kind in ("classification", "presence"):
            chosen = (
                output.argmax(-1)
                if task.kind == "classification"
                else output > 0.5
            )
            hits = chosen.reshape(label.shape) == label
            yield f"{name}_accuracy", _mean(hits.astype("float64"), weight)
        elif task.kind == "box":
            overlap = iou(label.astype("float64"), output, np)
            yield f"{name}_iou", _mean(overlap, weight)
        for metric in task.default_metrics():
            if isinstance(metric, metrics.SplitMetric) and not task.is_group:
                yield (
                    f"{name}_{metric.name}",
                    self._split_metric(metric, name, output),
                )

    def _split_metric(self, metric, name, output):
        def value(rows):
            arrays = self._labels[name], output, self._weights[name]
            return metric.result(*({name: a[rows]} for a in arrays), name)

        return value


def _by_example(values, label):
    """Gives each example of a vector label one value."""
    while values.ndim > 1 and values.shape != label.shape:
        values = values.mean(-1)
    return values


def _mean(values, weight):
    values = values.reshape(len(values), -1)
    weight = np.broadcast_to(weight.reshape(len(weight), -1), values.shape)

    def mean(rows):
        count = weight[rows].sum()
        total = (values[rows] * weight[rows]).sum()
        return total / count if count else float("nan")

    return mean


def is_lower_better(measure: str) -> bool:
    """Tells whether lower values of a measure are better."""
    return measure.endswith("_loss")


def best_of(singles: dict, size: int) -> dict:
    """Finds the best of several models, measure by measure.

    Args:
        singles: Dict of name to functions, as of `Measures.of`.
        size: Integer, the number of examples.

    Returns:
        Dict of measure to the name of the best.
    """
    everything = np.arange(size)
    best = {}
    for measure in next(iter(singles.values())):
        sign = -1.0 if is_lower_better(measure) else 1.0
        values = {n: sign * f[measure](everything) for n, f in singles.items()}
        best[measure] = max(values, key=values.get)
    return best


def over(best: dict, singles: dict, others: dict, size: int, *, draws, seed=0):
    """Compares models with one of several single ones, measure by measure.

    All models see the same bootstrap draws of examples.

    Args:
        best: Dict of measure to the name of the single model, as of
            `best_of`.
        singles: Dict of name to functions, as of `Measures.of`.
        others: Dict of name to functions.
        size: Integer, the number of examples.
        draws: Integer, bootstrap draws.
        seed: Integer.

    Returns:
        Dict of name to a dict of measure to `Gain`.
    """
    rng = np.random.default_rng(seed)
    everything = np.arange(size)
    samples = [rng.integers(0, size, size) for _ in range(draws)]
    gains = {name: {} for name in others}
    for measure, winner in best.items():
        sign = -1.0 if is_lower_better(measure) else 1.0
        single = singles[winner][measure]
        base = np.array([single(rows) for rows in samples])
        for name, functions in others.items():
            value = float(functions[measure](everything))
            drawn = np.array([functions[measure](rows) for rows in samples])
            low, high = np.nanquantile(sign * (drawn - base), [0.025, 0.975])
            gain = sign * (value - float(single(everything)))
            gains[name][measure] = Gain(value, gain, float(low), float(high))
    return gains
