"""Metrics: streaming where a sum is exact, over the whole split elsewhere."""

import keras

from mtl_keras import identifiers
from mtl_keras.metrics import bootstrap
from mtl_keras.metrics.abs_rel import AbsRel
from mtl_keras.metrics.accuracy import Accuracy
from mtl_keras.metrics.angular_error import AngularError
from mtl_keras.metrics.auc import AUC
from mtl_keras.metrics.average_precision import AveragePrecision
from mtl_keras.metrics.c_index import CIndex
from mtl_keras.metrics.dice import Dice
from mtl_keras.metrics.f1 import F1
from mtl_keras.metrics.mae import MAE
from mtl_keras.metrics.mean_iou import MeanIoU
from mtl_keras.metrics.mse import MSE
from mtl_keras.metrics.pr_auc import PRAUC
from mtl_keras.metrics.r2 import R2
from mtl_keras.metrics.rmse import RMSE
from mtl_keras.metrics.sentence_accuracy import SentenceAccuracy
from mtl_keras.metrics.silog import SILog
from mtl_keras.metrics.span_f1 import SpanF1
from mtl_keras.metrics.split_metric import SplitMetric

_METRICS = {
    "abs_rel": AbsRel,
    "accuracy": Accuracy,
    "angular_error": AngularError,
    "auc": AUC,
    "average_precision": AveragePrecision,
    "c_index": CIndex,
    "dice": Dice,
    "f1": F1,
    "mae": MAE,
    "mean_iou": MeanIoU,
    "mse": MSE,
    "pr_auc": PRAUC,
    "r2": R2,
    "rmse": RMSE,
    "sentence_accuracy": SentenceAccuracy,
    "silog": SILog,
    "span_f1": SpanF1,
}
# Names under which the logs show them.
_LOGGED = {"ap50": AveragePrecision, "iou": MeanIoU}

__all__ = [
    "AUC",
    "AbsRel",
    "Accuracy",
    "AngularError",
    "AveragePrecision",
    "CIndex",
    "Dice",
    "F1",
    "MAE",
    "MSE",
    "MeanIoU",
    "PRAUC",
    "R2",
    "RMSE",
    "SILog",
    "SentenceAccuracy",
    "SpanF1",
    "SplitMetric",
    "bootstrap",
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
