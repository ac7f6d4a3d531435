"""Metrics that need a whole split at once."""

import abc

import numpy as np

from mtl_keras.messages import unknown


class SplitMetric(abc.ABC):
    """A figure that no sum over batches gives, computed after collection.

    `evaluate` (and the validation in `fit`) collects labels, predictions and
    weights of the split as NumPy arrays and calls `result` once. A metric may
    read other tasks than its own.

    Subclasses say their arguments in `get_config` and are registered with
    `keras.saving.register_keras_serializable`.

    Args:
        name: String; the log's key is `f"{task}_{name}"`.
    """

    def __init__(self, name: str):
        self.name = name

    def reads(self, task_name: str) -> tuple[str, ...]:
        """Names the tasks whose arrays `result` needs.

        Args:
            task_name: String, the task this metric was given to.

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
        """Computes the figure of a split.

        Args:
            y_true: Dict, task name to labels, missing ones filled.
            y_pred: Dict, task name to predictions.
            weight: Dict, task name to weights of shape `(examples,)` or of
                the labels' shape; 0 where a label is missing.
            task_name: String, the task this metric was given to.

        Returns:
            Float; NaN where the figure is not defined on this split.

        Raises:
            ValueError: If the arrays of a task in `reads(task_name)` are
                missing.
        """

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict):
        """Makes a metric from `get_config`'s answer."""
        return cls(**config)

    def check(self, task_name: str, *arrays: dict) -> None:
        """Checks that each task this metric reads is among the arrays.

        Args:
            task_name: String, the task this metric was given to.
            *arrays: Dicts, task name to array.

        Raises:
            ValueError: If a task is missing.
        """
        for read in self.reads(task_name):
            for tasks in arrays:
                if read not in tasks:
                    what = f"task in metric {self.name!r} of {task_name!r}"
                    raise ValueError(unknown(what, read, tasks))


def flat_weight(weight, size_of_label: tuple[int, ...]) -> np.ndarray:
    """Gives every label its weight, in one row.

    Args:
        weight: Array of shape `(examples,)` or of the labels' shape; axes of
            1 at its end do not matter.
        size_of_label: Tuple of integers, the labels' shape without an axis of
            1 at the end.

    Returns:
        float64 array of shape `(labels,)`.

    Raises:
        ValueError: If the shapes do not fit.
    """
    weight = np.asarray(weight, np.float64)
    while weight.ndim > 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    if weight.shape != size_of_label[: weight.ndim]:
        raise ValueError(
            f"Expected weights of shape ({size_of_label[0]},) or "
            f"{size_of_label}. Received: weights of shape {weight.shape}"
        )
    missing_axes = len(size_of_label) - weight.ndim
    weight = weight.reshape(weight.shape + (1,) * missing_axes)
    return np.broadcast_to(weight, size_of_label).reshape(-1)
