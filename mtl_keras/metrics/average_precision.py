"""Average precision of detecting at most one object an image."""

import keras
import numpy as np

from mtl_keras import checks
from mtl_keras.metrics.iou import iou
from mtl_keras.metrics.split_metric import (
    SplitMetric,
    flat_weight,
    without_axis_of_1,
)


@keras.saving.register_keras_serializable(package="mtl_keras")
class AveragePrecision(SplitMetric):
    """Area under precision over recall, images ranked by how sure they are.

    Belongs to a box task. Each image has one predicted box, and the presence
    task `score` says how surely it holds an object. A prediction is right when
    the image holds an object, the boxes overlap by `iou` or more, and, with
    `classes`, the most probable class is the true one. With precision `P_n`
    and recall `R_n` among the `n` surest images:

        ap = sum((R_n - R_(n-1)) * P_n)

    where recall counts all objects, found or not. Images whose presence has no
    label, or that hold an object but have no label for its box (or class), are
    left out. NaN if no object is left, or if a score is NaN; 0 if none is
    found. Weights other than 0 do not matter.

    Args:
        iou: Float in (0, 1]. Defaults to 0.5.
        score: String, the presence task. Defaults to `"det"`.
        classes: String, a classification task that must be right as well, or
            `None`. Defaults to `None`.
        name: String. Defaults to `"ap50"` for an `iou` of 0.5, and so on.

    Note:
        PASCAL VOC (Everingham et al., IJCV 2010 and, for 2010 and later, the
        development kit) takes at each recall the best precision at that or a
        higher recall, and averages the classes' areas; this is
        scikit-learn's sum, without that envelope, over all classes together.
        It is never above the enveloped area.
    """

    def __init__(
        self,
        iou: float = 0.5,
        score: str = "det",
        classes: str | None = None,
        name: str | None = None,
    ):
        self.iou = checks.number("iou", iou, above=0, high=1)
        self.score = score
        self.classes = classes
        super().__init__(name or f"ap{100 * self.iou:g}")

    def reads(self, task_name: str) -> tuple[str, ...]:
        """Names the box task, the presence task and the class task, if any."""
        classes = () if self.classes is None else (self.classes,)
        return (task_name, self.score, *classes)

    def result(self, y_true, y_pred, weight, task_name) -> float:
        """Computes average precision; see `SplitMetric.result`."""
        from sklearn.metrics import average_precision_score

        self.check(task_name, y_true, y_pred, weight)
        has_object = without_axis_of_1(y_true[self.score]) > 0.5
        score = np.asarray(without_axis_of_1(y_pred[self.score]), np.float64)
        box_true = np.asarray(y_true[task_name], np.float64)
        box_pred = np.asarray(y_pred[task_name], np.float64)
        is_right = iou(box_true, box_pred, np) >= self.iou
        counts = flat_weight(weight[self.score], has_object.shape) > 0
        located = _is_labelled(weight[task_name], has_object.shape)
        if self.classes is not None:
            label = without_axis_of_1(y_true[self.classes])
            is_right &= np.argmax(y_pred[self.classes], axis=-1) == label
            located &= flat_weight(weight[self.classes], label.shape) > 0
        counts &= located | ~has_object
        has_object, score = has_object[counts], score[counts]
        found = has_object & is_right[counts]
        if not has_object.any() or np.isnan(score).any():
            return float("nan")
        if not found.any():
            return 0.0
        share = found.sum() / has_object.sum()
        return float(average_precision_score(found, score) * share)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "iou": self.iou,
            "score": self.score,
            "classes": self.classes,
        }


def _is_labelled(weight, shape):
    weight = np.asarray(weight)
    if weight.ndim == 2 and weight.shape[1] == 4:
        weight = weight.min(axis=1)
    return flat_weight(weight, shape) > 0
