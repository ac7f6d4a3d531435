"""F1 of the spans marked by the tags of tokens."""

from collections.abc import Sequence

import keras
import numpy as np

from mtl_keras.metrics.spans import TagSet
from mtl_keras.metrics.split_metric import SplitMetric, flat_weight


@keras.saving.register_keras_serializable(package="mtl_keras")
class SpanF1(SplitMetric):
    """Harmonic mean of precision and recall of spans of all kinds.

        f1 = 2 * correct / (labelled + predicted)

    A predicted span is correct if a labelled span has the same kind, first and
    last token. Spans are read from tags as by conlleval (Tjong Kim Sang and
    Buchholz, CoNLL-2000) and by seqeval without a mode: an `I` that continues
    nothing starts a span. 0 if there are labels but no spans; NaN if no token
    has a label, or if a prediction is NaN. Weights other than 0 are ignored.

    Labels are tag numbers of shape `(N, T)`; predictions probabilities of
    shape `(N, T, num_tags)`, or tag numbers of the labels' shape. Tokens
    without a label, such as padding, are left out of their sentence: their
    neighbours count as adjacent.

    Args:
        class_names: Sequence of strings, the names of tag 0, 1, ...: `"O"`,
            `"B-artist"`, `"I-artist"`, ...
        name: String. Defaults to `"span_f1"`.

    Raises:
        ValueError: If a name is not a tag.
    """

    def __init__(
        self,
        class_names: Sequence[str] | None = None,
        name: str = "span_f1",
    ):
        super().__init__(name)
        self.class_names = None if class_names is None else list(class_names)
        self._tags = None if class_names is None else TagSet(class_names)

    def result(self, y_true, y_pred, weight, task_name) -> float:
        """Computes F1; see `SplitMetric.result`."""
        self.check(task_name, y_true, y_pred, weight)
        if self._tags is None:
            raise ValueError(
                f"Metric {self.name!r} of {task_name!r} needs the names of the "
                "tags: SpanF1(class_names=['O', 'B-artist', ...]). Received: "
                "class_names=None"
            )
        label = np.asarray(y_true[task_name])
        predicted = np.asarray(y_pred[task_name])
        is_nan = np.zeros(label.shape, bool)
        if predicted.ndim == label.ndim + 1:
            is_nan = np.isnan(predicted).any(axis=-1)
            predicted = predicted.argmax(axis=-1)
        if label.ndim != 2 or predicted.shape != label.shape:
            raise ValueError(
                f"Metric {self.name!r} of {task_name!r} expects tag numbers of "
                "shape (examples, tokens) and predictions of that shape, or "
                "with one more axis, over tags. Received: labels of shape "
                f"{label.shape}, predictions of shape "
                f"{np.shape(y_pred[task_name])}"
            )
        counts = flat_weight(weight[task_name], label.shape) > 0
        if not counts.any() or is_nan.reshape(-1)[counts].any():
            return float("nan")
        sentences = np.repeat(np.arange(len(label)), label.shape[1])[counts]
        true_spans, predicted_spans = (
            self._tags.find(tags.reshape(-1)[counts].astype(int), sentences)
            for tags in (label, predicted)
        )
        num_spans = len(true_spans) + len(predicted_spans)
        if not num_spans:
            return 0.0
        # A token starts at most one span, so that an array over tokens can hold
        # the end and kind of the span that starts there.
        at_start = np.full((len(sentences), 2), -1)
        at_start[true_spans[:, 0]] = true_spans[:, 1:]
        matches = at_start[predicted_spans[:, 0]] == predicted_spans[:, 1:]
        return float(2 * matches.all(axis=1).sum() / num_spans)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "class_names": self.class_names}
