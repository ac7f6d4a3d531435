"""What metrics of a whole split need, collected batch by batch."""

import keras
import numpy as np
from keras import ops

# The entry of an evaluation step's logs that carries it to the host.
COLLECTED = "_collected"


def packed(batch: dict) -> dict:
    """Stacks what many tasks hand out of a step, to hand out few tensors.

    TensorFlow takes the square of the number of a step's outputs to optimize
    its graph: minutes at 139 tasks with labels, predictions and weights.

    Args:
        batch: Dict, task name to `(labels, predictions, weights)` tensors
            with a leading batch axis; labels and weights may be `None`.

    Returns:
        Dict, a pair of the place in those tuples and of task names to a
        tensor: of several tasks, one with an axis of tasks after the batch.
    """
    groups = {}
    for name, parts in sorted(batch.items()):
        for place, part in enumerate(parts):
            if part is None:
                continue
            shape = tuple(part.shape)[1:]
            dtype = keras.backend.standardize_dtype(part.dtype)
            # Sizes that differ between batches may differ between tasks.
            owner = name if None in shape else None
            members = groups.setdefault((place, dtype, shape, owner), {})
            members[name] = part
    return {
        (place, tuple(members)): ops.stack(list(members.values()), axis=1)
        if len(members) > 1
        else next(iter(members.values()))
        for (place, *_), members in groups.items()
    }


def _unpacked(tensors: dict) -> dict:
    batch = {}
    for (place, names), tensor in tensors.items():
        array = ops.convert_to_numpy(tensor)
        for index, name in enumerate(names):
            parts = batch.setdefault(name, [None, None, None])
            parts[place] = array if len(names) == 1 else array[:, index]
    return batch


class SplitCollection:
    """Labels, predictions and weights of one pass over a split, on the host.

    Metrics of the whole split need them all at once.
    """

    def __init__(self):
        self._batches = []

    def add(self, batch: dict) -> None:
        """Adds a batch.

        Args:
            batch: Dict, as of `packed`.
        """
        self._batches.append(_unpacked(batch))

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
        """Joins the batches of a task; batches without labels weigh 0."""
        batches = [batch[name] for batch in self._batches]
        one = np.zeros((1,), "float32")
        label_like, _, weight_like = next(
            (parts for parts in batches if parts[0] is not None),
            (one, None, one),
        )
        rows = []
        for label, prediction, weight in batches:
            if label is None:
                label = _zeros(len(prediction), label_like)
                weight = _zeros(len(prediction), weight_like)
            rows.append((label, prediction, weight))
        return tuple(_join(parts) for parts in zip(*rows, strict=True))


def _zeros(num_examples, like):
    return np.zeros((num_examples, *like.shape[1:]), like.dtype)


def _join(parts):
    """Concatenates batches, padding sequences of different lengths with 0.

    A padded label does not count: its weight is padded with 0 as well.
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
