"""Area under the curve of precision over recall."""

import keras
import numpy as np

from mtl_keras.metrics.columns import columns
from mtl_keras.metrics.split_metric import SplitMetric


@keras.saving.register_keras_serializable(package="mtl_keras")
class PRAUC(SplitMetric):
    """Average precision over the whole split, by scikit-learn.

    With precision `P_n` and recall `R_n` among the `n` most probable:

        pr_auc = sum((R_n - R_(n-1)) * P_n)

    a step function's area, which is not too optimistic as a line between the
    points is (Davis and Goadrich, ICML 2006).

    Yes or no, several labels and classes are read as by `AUC`, and likewise
    averaged; the mean leaves out a label or class without a positive in the
    split. NaN if none is left, or if a prediction is NaN.

    Args:
        name: String. Defaults to `"pr_auc"`.
    """

    def __init__(self, name: str = "pr_auc"):
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
    from sklearn.metrics import average_precision_score

    if not positive.any():
        return None
    if np.isnan(p).any():
        return float("nan")
    return average_precision_score(positive, p, sample_weight=weight)
