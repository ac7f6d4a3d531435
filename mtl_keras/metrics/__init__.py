"""Metrics: streaming where a sum is exact, over the whole split elsewhere.

A module that defines a registered `keras.metrics.Metric` or `SplitMetric` is
the metric of that name: `metrics/f1.py` is `"f1"` and `metrics.F1`. Nothing
else lists it.
"""

import functools

import keras

from mtl_keras import identifiers
from mtl_keras.metrics import bootstrap
from mtl_keras.metrics.split_metric import SplitMetric

_KINDS = (keras.metrics.Metric, SplitMetric)
_METRICS = identifiers.by_module(__name__, __path__, _KINDS)
# Two metrics have another name in the logs, under which they are found too.
_BY_LOG_NAME = {
    "ap50": _METRICS["average_precision"],
    "iou": _METRICS["mean_iou"],
}
_CLASSES = {cls.__name__: cls for cls in _METRICS.values()}
globals().update(_CLASSES)

__all__ = ["SplitMetric", "bootstrap", "get", "list_metrics", *_CLASSES]


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
        `keras.metrics.Metric` or `SplitMetric`; a function is wrapped in a
        `keras.metrics.MeanMetricWrapper`.

    Raises:
        ValueError: If the metric is unknown.
    """
    if isinstance(identifier, _KINDS):
        return identifier
    if identifier is None:
        raise ValueError("Expected a metric. Received: None")
    ours = {**_METRICS, **_BY_LOG_NAME}
    metric = identifiers.resolve("metric", identifier, ours, keras.metrics)
    if isinstance(metric, _KINDS):
        return metric
    name = getattr(metric, "__name__", type(metric).__name__).strip("<>")
    return keras.metrics.MeanMetricWrapper(_by_label(metric, name), name=name)


def _by_label(function, name):
    """Checks that a metric function does not reduce over the batch."""

    @functools.wraps(function, updated=())
    def values(y_true, y_pred):
        result = function(y_true, y_pred)
        shape = getattr(result, "shape", ())
        # Of TensorFlow, the empty shape is true and an unknown one has no len.
        rank = shape.rank if hasattr(shape, "rank") else len(shape)
        if rank == 0:
            raise ValueError(
                f"The metric function {name!r} must return one value for each "
                "label, so that missing labels can be left out. Received: a "
                "single number. Do not reduce over the batch axis, or write a "
                "keras.metrics.Metric."
            )
        return result

    return values
