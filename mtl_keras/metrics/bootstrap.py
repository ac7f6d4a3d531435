"""Bootstrap intervals of metrics (Efron, Annals of Statistics, 1979)."""

import numpy as np

from mtl_keras import checks


def intervals(
    split_metrics: dict,
    y_true: dict,
    y_pred: dict,
    weight: dict,
    *,
    num_samples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Computes bootstrap intervals of the metrics of a split.

    Draws as many examples as the split has, with replacement, and computes
    every metric on them, `num_samples` times; an interval contains the middle
    fraction `confidence` of the values. All metrics see the same draws, and an
    example is drawn with its labels of all tasks.

    The interval covers the sampling of the split, not other seeds of training.
    Draws on which a metric is undefined are left out.

    Args:
        split_metrics: Dict, task name to a list of `SplitMetric`.
        y_true: Dict, task name to labels of the split, missing ones filled.
        y_pred: Dict, task name to predictions.
        weight: Dict, task name to weights, 0 where a label is missing.
        num_samples: Integer, at least 2. Defaults to 1000.
        seed: Integer, of the draws. Defaults to 0.
        confidence: Float in (0, 1). Defaults to 0.95.

    Returns:
        Dict, `f"{task}_{metric.name}"` to the interval's low and high end;
        NaN if the metric is undefined on every draw.

    Raises:
        ValueError: If an argument is out of range.
    """
    num_samples = num_draws("num_samples", num_samples)
    checks.number("confidence", confidence, above=0, below=1)
    metrics = [
        (f"{task}_{metric.name}", task, metric)
        for task, group in split_metrics.items()
        for metric in group
    ]
    if not metrics:
        return {}
    names = sorted({n for _, task, m in metrics for n in m.reads(task)})
    for _, task, metric in metrics:
        metric.check(task, y_true, y_pred, weight)
    arrays = [
        {name: np.asarray(part[name]) for name in names}
        for part in (y_true, y_pred, weight)
    ]
    size = len(arrays[0][names[0]])
    values = {key: np.full(num_samples, np.nan) for key, _, _ in metrics}
    random = np.random.default_rng(seed)
    for draw in range(num_samples if size else 0):
        rows = random.integers(0, size, size)
        drawn = [{n: a[rows] for n, a in part.items()} for part in arrays]
        for key, task, metric in metrics:
            values[key][draw] = metric.result(*drawn, task)
    tail = (1.0 - confidence) / 2.0
    return {key: _ends(row, tail) for key, row in values.items()}


def num_draws(argument: str, value) -> int:
    """Checks the number of draws.

    Args:
        argument: String, the argument's name, for the error.
        value: What was received for it.

    Returns:
        Integer, at least 2.

    Raises:
        ValueError: If it is not an integer of at least 2.
    """
    return checks.integer(argument, value, low=2)


def _ends(values, tail) -> tuple[float, float]:
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [tail, 1.0 - tail])
    return float(low), float(high)
