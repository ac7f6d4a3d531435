"""Concordance of predicted risks with times of survival."""

import keras
import numpy as np

from mtl_keras.metrics.split_metric import SplitMetric

# Pairs compared at once.
_BLOCK = 4_000_000


@keras.saving.register_keras_serializable(package="mtl_keras")
class CIndex(SplitMetric):
    """Harrell's C: the fraction of pairs whose risks are in the right order.

    A pair counts if one example is known to have had the event first: its
    event was observed at an earlier time than the other's, or at the time at
    which the other was censored. It is correct if that example has the higher
    risk, and half correct if the risks are equal (Harrell et al., JAMA 247,
    1982; ties as in lifelines). NaN if no pair counts, or if a prediction is
    NaN. Weights other than 0 are ignored.

    Labels have shape `(N, 2)`: a time, and whether the event was observed
    then. Predictions are risks of shape `(N,)` or `(N, 1)`, higher for an
    earlier event, as for `losses.Cox`; or hazards of intervals, of shape
    `(N, num_intervals)`, as for `losses.DiscreteTime`, where the risk is minus
    the expected number of intervals survived.

    Args:
        name: String. Defaults to `"c_index"`.
    """

    def __init__(self, name: str = "c_index"):
        super().__init__(name)

    def result(self, y_true, y_pred, weight, task_name) -> float:
        """Computes the concordance; see `SplitMetric.result`."""
        self.check(task_name, y_true, y_pred, weight)
        label = np.asarray(y_true[task_name])
        risk = _risk(np.asarray(y_pred[task_name], np.float64))
        if label.shape != (len(risk), 2):
            raise ValueError(
                f"Metric {self.name!r} of {task_name!r} expects labels of "
                "shape (examples, 2), a time and whether the event happened. "
                f"Received: labels of shape {label.shape}, predictions of "
                f"shape {np.shape(y_pred[task_name])}"
            )
        counts = np.asarray(weight[task_name]) > 0
        counts = counts.all(axis=tuple(range(1, counts.ndim)))
        risk, label = risk[counts], label[counts]
        if np.isnan(risk).any():
            return float("nan")
        return _concordance(label[:, 0], label[:, 1] > 0.5, risk)


def _risk(prediction):
    if prediction.ndim == 2 and prediction.shape[1] > 1:
        return -np.cumprod(1.0 - prediction, axis=1).sum(axis=1)
    return prediction.reshape(len(prediction))


def _concordance(time, event, risk) -> float:
    correct = pairs = 0.0
    first = np.flatnonzero(event)
    size = max(1, _BLOCK // max(1, len(time)))
    for start in range(0, len(first), size):
        block = first[start : start + size, None]
        later = time > time[block]
        counts = later | ((time == time[block]) & ~event)
        correct += np.count_nonzero(counts & (risk < risk[block]))
        correct += 0.5 * np.count_nonzero(counts & (risk == risk[block]))
        pairs += np.count_nonzero(counts)
    return correct / pairs if pairs else float("nan")
