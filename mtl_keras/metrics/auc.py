"""Area under the ROC curve."""

import keras
import numpy as np

from mtl_keras.metrics.columns import columns
from mtl_keras.metrics.split_metric import SplitMetric


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
        parts = columns(
            self.name,
            task_name,
            y_true[task_name],
            y_pred[task_name],
            weight[task_name],
        )
        areas = [_area(*part) for part in parts]
        areas = [area for area in areas if area is not None]
        return float(np.mean(areas)) if areas else float("nan")


def _area(positive, p, weight):
    from sklearn.metrics import roc_auc_score

    if positive.all() or not positive.any():
        return None
    if np.isnan(p).any():
        return float("nan")
    return roc_auc_score(positive, p, sample_weight=weight)
