"""Metrics that need a whole split at once."""

import abc

import numpy as np

from mtl_keras.messages import unknown


class SplitMetric(abc.ABC):
    """A metric that is not a sum over batches, computed after collection.

    `evaluate` (and the validation in `fit`) collects labels, predictions and
    weights of the split as NumPy arrays and calls `result` once. A metric may
    read other tasks than its own.

    Subclasses return their arguments from `get_config` and are registered with
    `keras.saving.register_keras_serializable`.

    Args:
        name: String; the key in the logs is `f"{task}_{name}"`.
    """

    def __init__(self, name: str):
        self.name = name

    def reads(self, task_name: str) -> tuple[str, ...]:
        """Lists the tasks whose arrays `result` needs.

        Args:
            task_name: String, the task this metric belongs to.

        Returns:
            Tuple of strings, `task_name` alone unless a subclass reads more.
        """
        return (task_name,)

    @abc.abstractmethod
    def result(
        self,
        y_true: dict[str, np.ndarray],
        y_pred: dict[str, np.ndarray],
        weight: dict[str, np.ndarray],
        task_name: str,
    ) -> float:
        """Computes the metric on a split.

        Args:
            y_true: Dict, task name to labels, missing ones filled.
            y_pred: Dict, task name to predictions.
            weight: Dict, task name to weights of shape `(examples,)` or of
                the labels' shape; 0 where a label is missing.
            task_name: String, the task this metric belongs to.

        Returns:
            Float; NaN where the metric is undefined on this split.

        Raises:
            ValueError: If the arrays of a task in `reads(task_name)` are
                missing.
        """

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict):
        """Makes a metric from what `get_config` returned."""
        return cls(**config)

    def check(self, task_name: str, *arrays: dict) -> None:
        """Checks that every task this metric reads has arrays.

        Args:
            task_name: String, the task this metric belongs to.
            *arrays: Dicts, task name to array.

        Raises:
            ValueError: If a task is missing.
        """
        for task in self.reads(task_name):
            for tasks in arrays:
                if task not in tasks:
                    what = f"task in metric {self.name!r} of {task_name!r}"
                    raise ValueError(unknown(what, task, tasks))


def without_axis_of_1(array) -> np.ndarray:
    """Removes the last axis where its size is 1, but never the only axis."""
    array = np.asarray(array)
    if array.ndim > 1 and array.shape[-1] == 1:
        return array[..., 0]
    return array


def flat_weight(weight, label_shape: tuple[int, ...]) -> np.ndarray:
    """Lists the weight of every label.

    Args:
        weight: Array of shape `(examples,)` or of the labels' shape; axes of
            1 at its end are ignored.
        label_shape: Tuple of integers, the labels' shape without an axis of
            1 at the end.

    Returns:
        float64 array of shape `(labels,)`.

    Raises:
        ValueError: If the shapes do not fit.
    """
    weight = np.asarray(weight, np.float64)
    while weight.ndim > 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    if weight.shape != label_shape[: weight.ndim]:
        raise ValueError(
            f"Expected weights of shape ({label_shape[0]},) or {label_shape}. "
            f"Received: weights of shape {weight.shape}"
        )
    missing_axes = len(label_shape) - weight.ndim
    weight = weight.reshape(weight.shape + (1,) * missing_axes)
    return np.broadcast_to(weight, label_shape).reshape(-1)
