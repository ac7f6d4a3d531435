"""Area under the ROC curve."""

import keras
import numpy as np

from mtl_keras.metrics.split_metric import SplitMetric, flat_weight


@keras.saving.register_keras_serializable(package="mtl_keras")
class AUC(SplitMetric):
    """Area under the ROC curve over the whole split, by scikit-learn.

    The chance that a positive example has a higher probability than a
    negative one (Hanley and McNeil, Radiology 143, 1982); exact, where Keras's
    streaming `AUC` interpolates between thresholds.

    Yes or no: predictions of shape `(N,)` or `(N, 1)`. Several labels, each
    yes or no: predictions of the labels' shape `(N, T)`; the mean over the
    labels' own areas ("macro"). Classes: class numbers of shape `(N, ...)`,
    predictions of shape `(N, ..., num_classes)`; the mean over the classes'
    areas, each class against the rest. The mean leaves out a label or class
    of which the split holds positives only or negatives only; NaN if none is
    left, or if a prediction is NaN.

    Args:
        name: String. Defaults to `"auc"`.
    """

    def __init__(self, name: str = "auc"):
        super().__init__(name)

    def result(self, y_true, y_pred, weight, task_name) -> float:
        """Computes the area; see `SplitMetric.result`."""
        self.check(task_name, y_true, y_pred, weight)
        labels = np.asarray(y_true[task_name])
        p = np.asarray(y_pred[task_name], np.float64)
        if labels.ndim > 1 and labels.shape[-1] == 1:
            labels = labels[..., 0]
        if p.ndim > 1 and p.shape[-1] == 1:
            p = p[..., 0]
        weights = flat_weight(weight[task_name], labels.shape)
        if p.shape == labels.shape:
            columns = labels.shape[1] if labels.ndim == 2 else 1
            positive = (labels > 0.5).reshape(-1, columns)
            p = p.reshape(-1, columns)
            weights = weights.reshape(-1, columns)
        elif p.shape[:-1] == labels.shape:
            positive = labels.reshape(-1, 1) == np.arange(p.shape[-1])
            p = p.reshape(positive.shape)
            weights = np.broadcast_to(weights[:, None], positive.shape)
        else:
            raise ValueError(
                f"Metric {self.name!r} of {task_name!r} expects predictions "
                "of the labels' shape, or with one axis more, over classes. "
                f"Received: labels of shape {labels.shape}, predictions of "
                f"shape {p.shape}"
            )
        areas = [
            _area(positive[:, column], p[:, column], weights[:, column])
            for column in range(positive.shape[1])
        ]
        areas = [area for area in areas if area is not None]
        return float(np.mean(areas)) if areas else float("nan")


def _area(positive, p, weight):
    from sklearn.metrics import roc_auc_score

    counts = weight > 0
    positive, p, weight = positive[counts], p[counts], weight[counts]
    if positive.all() or not positive.any():
        return None
    if np.isnan(p).any():
        return float("nan")
    return roc_auc_score(positive, p, sample_weight=weight)
