"""Metrics: streaming where a sum is exact, over the whole split elsewhere."""

import keras

from mtl_keras import identifiers
from mtl_keras.metrics.accuracy import Accuracy
from mtl_keras.metrics.auc import AUC
from mtl_keras.metrics.average_precision import AveragePrecision
from mtl_keras.metrics.f1 import F1
from mtl_keras.metrics.mean_iou import MeanIoU
from mtl_keras.metrics.split_metric import SplitMetric

_METRICS = {
    "accuracy": Accuracy,
    "auc": AUC,
    "average_precision": AveragePrecision,
    "f1": F1,
    "mean_iou": MeanIoU,
}
# Names under which the logs show them.
_LOGGED = {"ap50": AveragePrecision, "iou": MeanIoU}

__all__ = [
    "AUC",
    "F1",
    "Accuracy",
    "AveragePrecision",
    "MeanIoU",
    "SplitMetric",
    "get",
    "list_metrics",
]


def list_metrics() -> list[str]:
    """Lists the names of this package's metrics, sorted."""
    return sorted(_METRICS)


def get(identifier):
    """Finds a metric: this package's by name first, then Keras's.

    Args:
        identifier: Name (`"f1"`; also the logged names `"iou"` and `"ap50"`),
            config dict, `keras.metrics.Metric` or `SplitMetric` (class or
            object), or function of `(y_true, y_pred)`.

    Returns:
        `keras.metrics.Metric` or `SplitMetric`; a function comes wrapped into
        a `keras.metrics.MeanMetricWrapper`.

    Raises:
        ValueError: If there is no such metric.
    """
    if isinstance(identifier, (keras.metrics.Metric, SplitMetric)):
        return identifier
    if identifier is None:
        raise ValueError("Expected a metric. Received: None")
    ours = {**_METRICS, **_LOGGED}
    metric = identifiers.resolve("metric", identifier, ours, keras.metrics)
    if isinstance(metric, (keras.metrics.Metric, SplitMetric)):
        return metric
    name = getattr(metric, "__name__", type(metric).__name__)
    return keras.metrics.MeanMetricWrapper(metric, name=name.strip("<>"))
