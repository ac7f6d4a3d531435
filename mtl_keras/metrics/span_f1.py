"""F1 of the spans that tags of tokens mark."""

from collections.abc import Sequence

import keras
import numpy as np

from mtl_keras.metrics.spans import TagSet
from mtl_keras.metrics.split_metric import SplitMetric, flat_weight


@keras.saving.register_keras_serializable(package="mtl_keras")
class SpanF1(SplitMetric):
    """Harmonic mean of precision and recall of spans, all kinds together.

        f1 = 2 * right / (labelled + predicted)

    A predicted span is right if one of the same kind has the same first and
    last token. Spans are read from tags as by conlleval (Tjong Kim Sang and
    Buchholz, CoNLL-2000) and by seqeval without a mode: an `I` that continues
    nothing starts a span. 0 where there are labels but no span at all; NaN if
    no token has a label, or if a prediction is NaN. Weights other than 0 do
    not matter.

    Labels are tag numbers of shape `(N, T)`; predictions probabilities of
    shape `(N, T, num_tags)`, or tag numbers of the labels' shape. A token
    without a label, or behind the end, is left out of its sentence: its
    neighbours count as adjacent.

    Args:
        class_names: Sequence of strings, what tag 0, 1, ... is called: `"O"`,
            `"B-artist"`, `"I-artist"`, ...
        name: String. Defaults to `"span_f1"`.

    Raises:
        ValueError: If a name is no tag.
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
                f"Metric {self.name!r} of {task_name!r} must know what the "
                "tags are called. Give SpanF1(class_names=['O', 'B-artist', "
                "...]). Received: class_names=None"
            )
        label = np.asarray(y_true[task_name])
        answer = np.asarray(y_pred[task_name])
        is_broken = np.zeros(label.shape, bool)
        if answer.ndim == label.ndim + 1:
            is_broken = np.isnan(answer).any(axis=-1)
            answer = answer.argmax(axis=-1)
        if label.ndim != 2 or answer.shape != label.shape:
            raise ValueError(
                f"Metric {self.name!r} of {task_name!r} expects tag numbers of "
                "shape (examples, tokens) and predictions of that shape, or "
                "with one axis more, over tags. Received: labels of shape "
                f"{label.shape}, predictions of shape "
                f"{np.shape(y_pred[task_name])}"
            )
        counts = flat_weight(weight[task_name], label.shape) > 0
        if not counts.any() or is_broken.reshape(-1)[counts].any():
            return float("nan")
        sentences = np.repeat(np.arange(len(label)), label.shape[1])[counts]
        true, found = (
            self._tags.find(tags.reshape(-1)[counts].astype(int), sentences)
            for tags in (label, answer)
        )
        if not len(true) + len(found):
            return 0.0
        # A token starts one span at most, so ends and kinds can be laid beside
        # the tokens.
        at_start = np.full((len(sentences), 2), -1)
        at_start[true[:, 0]] = true[:, 1:]
        right = (at_start[found[:, 0]] == found[:, 1:]).all(axis=1).sum()
        return float(2 * right / (len(true) + len(found)))

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "class_names": self.class_names}
