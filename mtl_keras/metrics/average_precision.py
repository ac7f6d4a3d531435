"""Average precision of detecting at most one object per image."""

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
    """Area under the precision-recall curve of images ranked by confidence.

    Belongs to a box task. Each image has one predicted box, and the presence
    task `score` gives the probability that it contains an object. A prediction
    is correct if the image contains an object, the boxes overlap by `iou` or
    more, and, with `classes`, the most probable class is the true one. With
    precision `P_n` and recall `R_n` among the `n` images ranked highest:

        ap = sum((R_n - R_(n-1)) * P_n)

    where recall counts all objects, detected or not. Images whose presence has
    no label, or that contain an object without a label for its box (or class),
    are left out. NaN if no object is left, or if a score is NaN; 0 if none is
    detected. Weights other than 0 are ignored.

    Args:
        iou: Float in (0, 1]. Defaults to 0.5.
        score: String, the presence task. Defaults to `"det"`.
        classes: String, a classification task that must be correct as well, or
            `None`. Defaults to `None`.
        name: String. Defaults to `"ap50"` for an `iou` of 0.5, and so on.

    Note:
        PASCAL VOC (Everingham et al., IJCV 2010 and, for 2010 and later, the
        development kit) takes at each recall the best precision at that or a
        higher recall, and averages the areas of the classes. This is
        scikit-learn's sum without that envelope, over all classes together; it
        never exceeds the area with the envelope.
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
        """Lists the box task, the presence task and the class task, if any."""
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
        is_correct = iou(box_true, box_pred, np) >= self.iou
        counts = flat_weight(weight[self.score], has_object.shape) > 0
        located = _is_labelled(weight[task_name], has_object.shape)
        if self.classes is not None:
            label = without_axis_of_1(y_true[self.classes])
            is_correct &= np.argmax(y_pred[self.classes], axis=-1) == label
            located &= flat_weight(weight[self.classes], label.shape) > 0
        counts &= located | ~has_object
        has_object, score = has_object[counts], score[counts]
        detected = has_object & is_correct[counts]
        if not has_object.any() or np.isnan(score).any():
            return float("nan")
        if not detected.any():
            return 0.0
        recall = detected.sum() / has_object.sum()
        return float(average_precision_score(detected, score) * recall)

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
