"""Fraction of examples that are predicted correctly in every task."""

from collections.abc import Sequence

import keras
import numpy as np

from mtl_keras import checks
from mtl_keras.metrics.split_metric import (
    SplitMetric,
    flat_weight,
    without_axis_of_1,
)


@keras.saving.register_keras_serializable(package="mtl_keras")
class SentenceAccuracy(SplitMetric):
    """Fraction of examples with correct labels in each of several tasks.

    The usual metric of sentences with an intent and slots (Hakkani-Tur et al.,
    Interspeech 2016): a sentence is correct if its intent and the tags of all
    tokens are. Missing labels are ignored; examples without any label of these
    tasks are left out. NaN if none is left, or if a prediction that counts is
    NaN. Weights other than 0 are ignored.

    A task's labels are class numbers of shape `(N, ...)` with predictions of
    shape `(N, ..., num_classes)`; or binary, with predictions of shape
    `(N, 1)` or of the labels' shape; or class numbers, as are the predictions.

    Args:
        tasks: Sequence of strings. Defaults to `("intent", "slot")`.
        threshold: Float, for binary labels. Defaults to 0.5, for
            probabilities; use 0 for logits.
        name: String. Defaults to `"sentence_accuracy"`.
    """

    def __init__(
        self,
        tasks: Sequence[str] = ("intent", "slot"),
        threshold: float = 0.5,
        name: str = "sentence_accuracy",
    ):
        super().__init__(name)
        if isinstance(tasks, str) or not tasks:
            raise ValueError(
                "SentenceAccuracy: `tasks` must be a sequence of task names. "
                f"Received: tasks={tasks!r}"
            )
        self.tasks = list(tasks)
        self.threshold = checks.number("threshold", threshold)

    def reads(self, task_name: str) -> tuple[str, ...]:
        """Lists the tasks whose labels must all be predicted correctly."""
        return tuple(self.tasks)

    def result(self, y_true, y_pred, weight, task_name) -> float:
        """Computes the fraction; see `SplitMetric.result`."""
        self.check(task_name, y_true, y_pred, weight)
        is_correct, has_label, has_nan = True, False, False
        for name in self.tasks:
            label = without_axis_of_1(y_true[name])
            predicted, nan = self._predicted(
                name, label, np.asarray(y_pred[name])
            )
            counts = flat_weight(weight[name], label.shape) > 0
            counts = counts.reshape(len(label), -1)
            matches = (predicted == label).reshape(counts.shape) | ~counts
            nan = nan.reshape(counts.shape) & counts
            is_correct = is_correct & matches.all(axis=1)
            has_label = has_label | counts.any(axis=1)
            has_nan = has_nan | nan.any(axis=1)
        if not np.any(has_label) or np.any(has_nan):
            return float("nan")
        return float(np.mean(is_correct[has_label]))

    def _predicted(self, name, label, prediction):
        prediction = without_axis_of_1(prediction)
        if prediction.shape == label.shape:
            if prediction.dtype.kind == "f":
                nan = np.isnan(prediction)
                return prediction > self.threshold, nan
            return prediction, np.zeros(label.shape, bool)
        if prediction.shape[:-1] == label.shape:
            return prediction.argmax(axis=-1), np.isnan(prediction).any(axis=-1)
        raise ValueError(
            f"Metric {self.name!r} expects predictions of the labels' shape, "
            f"or with one axis more, over classes. Received: labels of {name!r}"
            f" of shape {label.shape}, predictions of shape {prediction.shape}"
        )

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "tasks": self.tasks,
            "threshold": self.threshold,
        }
