"""Gathers a split's labels and predictions, for metrics that need them all."""

import numpy as np
from keras import ops

# The entry of an evaluation step's logs that carries them to the host.
COLLECTED = "_collected"


class SplitCollection:
    """Labels, predictions and weights of one pass over a split, on the host."""

    def __init__(self):
        self._batches = []

    def add(self, batch: dict) -> None:
        """Adds a batch.

        Args:
            batch: Dict, task name to `(labels, predictions, weights)` tensors
                with a leading batch axis; labels and weights may be `None`.
        """
        self._batches.append(
            {
                name: tuple(
                    None if part is None else ops.convert_to_numpy(part)
                    for part in parts
                )
                for name, parts in batch.items()
            }
        )

    def arrays(self) -> tuple[dict, dict, dict]:
        """Returns labels, predictions and weights of the whole split.

        Returns:
            Tuple of three dicts, task name to NumPy array. A task that had no
            labels in any batch has zero weights.
        """
        names = sorted({name for batch in self._batches for name in batch})
        whole = {name: self._whole(name) for name in names}
        return tuple(
            {name: parts[i] for name, parts in whole.items()} for i in range(3)
        )

    def _whole(self, name):
        labelled = next(
            (b[name] for b in self._batches if b[name][0] is not None), None
        )
        labels, predictions, weights = [], [], []
        for batch in self._batches:
            label, prediction, weight = batch[name]
            size = len(prediction)
            if label is None:
                like = (
                    np.zeros((1,), "float32")
                    if labelled is None
                    else labelled[0]
                )
                mark = (
                    np.zeros((1,), "float32")
                    if labelled is None
                    else labelled[2]
                )
                label = np.zeros((size, *like.shape[1:]), like.dtype)
                weight = np.zeros((size, *mark.shape[1:]), mark.dtype)
            labels.append(label)
            predictions.append(prediction)
            weights.append(weight)
        return tuple(_join(parts) for parts in (labels, predictions, weights))


def _join(parts):
    """Concatenates batches; sequences of other lengths are padded with 0.

    A padded label has the weight 0, as its weight is padded as well.
    """
    longest = np.max([part.shape[1:] for part in parts], axis=0)
    padded = [
        np.pad(
            part,
            [
                (0, 0),
                *(
                    (0, int(n - m))
                    for n, m in zip(longest, part.shape[1:], strict=True)
                ),
            ],
        )
        if part.ndim > 1
        else part
        for part in parts
    ]
    return np.concatenate(padded)
