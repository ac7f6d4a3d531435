"""Batches of inputs and labels, from what a caller has."""

import itertools
from collections.abc import Iterator

import keras
import numpy as np
from keras import tree

from mtl_keras import checks
from mtl_keras.messages import unknown


def of(data, steps: int | None = None, batch_size: int = 64) -> Iterator:
    """Yields batches `(x, y, sample_weight)`; arrays, not tensors.

    Args:
        data: Tuple of arrays `(x, y)` or `(x, y, sample_weight)` of a whole
            split, or any iterable of batches, such as a `tf.data.Dataset`, a
            `keras.utils.PyDataset` or a list of such tuples.
        steps: Integer, the number of batches to read. Defaults to all.
        batch_size: Integer, for a tuple of arrays.

    Raises:
        ValueError: If there is no batch, or it has no labels.
    """
    if steps is not None:
        checks.integer("steps", steps, low=1)
    checks.integer("batch_size", batch_size, low=1)
    if isinstance(data, tuple):
        batches = _sliced(data, batch_size)
    elif isinstance(data, keras.utils.PyDataset):
        batches = (data[index] for index in range(len(data)))
    elif isinstance(data, str | dict) or not hasattr(data, "__iter__"):
        raise ValueError(
            "Expected batches (inputs, labels), or a tuple of arrays (inputs, "
            f"labels). Received: {type(data).__name__}"
        )
    else:
        batches = iter(data)
    number = 0
    for batch in itertools.islice(batches, steps):
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
            raise ValueError(
                "Expected batches (inputs, labels) or (inputs, labels, "
                f"weights). Received: {type(batch).__name__}"
            )
        x, y, weight = keras.utils.unpack_x_y_sample_weight(tuple(batch))
        if not isinstance(y, dict):
            raise ValueError(
                "Expected batches (inputs, labels) with labels as a dict of "
                f"task name to array. Received: labels of type "
                f"{type(y).__name__}"
            )
        number += 1
        yield tree.map_structure(_array, (x, y, weight))
    if not number:
        raise ValueError(
            "Expected data with at least one batch. Received: no batch"
        )


def checked(model, data, steps: int | None = None) -> Iterator:
    """Yields batches as `of` does, with labels that the tasks can have.

    Args:
        model: `MultiTaskModel`.
        data: As for `of`.
        steps: As for `of`.

    Raises:
        ValueError: If labels name an unknown task or are illegal.
    """
    for x, y, weight in of(data, steps):
        for name, labels in y.items():
            if name not in model.tasks:
                raise ValueError(
                    unknown("task of the labels", name, model.tasks)
                )
            if labels is not None:
                model.tasks[name].label.check_array(name, labels)
        yield x, y, weight


def _array(value):
    if value is None:
        return None
    if hasattr(value, "numpy"):
        return value.numpy()
    return keras.ops.convert_to_numpy(value)


def _sliced(data, batch_size):
    arrays = [a for a in tree.flatten(data) if a is not None]
    for array in arrays:
        if not np.ndim(array):
            raise ValueError(
                "Expected arrays with an example on the first axis. Received: "
                f"{type(array).__name__} in a list. Write numpy.asarray(...)."
            )
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1:
        raise ValueError(
            "Expected arrays with the same number of examples. Received: "
            f"lengths {sorted(lengths)}"
        )
    (size,) = lengths
    for start in range(0, size, batch_size):
        part = slice(start, start + batch_size)
        yield tree.map_structure(
            lambda a, part=part: None if a is None else np.asarray(a)[part],
            data,
        )
