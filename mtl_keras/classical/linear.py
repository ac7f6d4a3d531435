"""What the linear models of several tasks have in common."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mtl_keras import checks
from mtl_keras.messages import listed, unknown


class TaskData(NamedTuple):
    """One task's examples.

    Attributes:
        x: float64 array of shape `(examples, size)`.
        y: float64 array of shape `(examples, targets)`.
        is_vector: Boolean, whether the labels came as one axis.
    """

    x: np.ndarray
    y: np.ndarray
    is_vector: bool


class LinearTasks:
    """Linear models `x @ coefficients[task] + intercepts[task]`.

    Attributes:
        coefficients: Dict, task name to array of shape `(size,)`, or
            `(size, targets)` where the labels have two axes.
        intercepts: Dict, task name to float, or array of shape `(targets,)`.
    """

    def __init__(self):
        self.coefficients: dict[str, np.ndarray] | None = None
        self.intercepts: dict | None = None
        self._size = None

    def predict(self, task: str, x) -> np.ndarray:
        """Predicts for one task.

        Args:
            task: String, a task of `fit`.
            x: Array of shape `(examples, size)`.

        Returns:
            Array of shape `(examples,)` or `(examples, targets)`.

        Raises:
            ValueError: If the model is not fitted, the task is unknown or
                the shape does not fit.
        """
        if self.coefficients is None:
            raise ValueError(
                f"{type(self).__name__} is not fitted. Call `fit` first."
            )
        if not isinstance(task, str) or task not in self.coefficients:
            raise ValueError(unknown("task", task, self.coefficients))
        x = checks.array("x", x)
        if x.ndim != 2 or x.shape[1] != self._size:
            raise ValueError(
                f"Expected inputs of shape (examples, {self._size}). "
                f"Received: shape {x.shape}"
            )
        return x @ self.coefficients[task] + self.intercepts[task]

    def _keep(self, data, weights, intercepts):
        """Takes over the solution: dicts of arrays with an axis of targets."""
        self.coefficients, self.intercepts = {}, {}
        for name, part in data.items():
            w, b = weights[name], np.asarray(intercepts[name])
            self.coefficients[name] = w[:, 0] if part.is_vector else w
            self.intercepts[name] = float(b[0]) if part.is_vector else b
            self._size = len(w)


def read(data) -> dict[str, TaskData]:
    """Reads the examples of each task; those without a label are left out.

    Args:
        data: Dict, task name to `(x, y)`, arrays of shapes `(examples, size)`
            and `(examples,)` or `(examples, targets)`; NaN in `y` marks a
            missing label.

    Returns:
        Dict, task name to `TaskData`.

    Raises:
        ValueError: If the shapes do not fit or a task has no label.
    """
    if not isinstance(data, Mapping) or not data:
        raise ValueError(
            "Expected a dict of task name to (x, y). Received: "
            f"{type(data).__name__}"
        )
    by_task = {}
    for name, pair in data.items():
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(
                f"Expected a pair (x, y) for task {name!r}. Received: "
                f"{type(pair).__name__}"
            )
        x, y = (checks.array(name, part) for part in pair)
        is_vector = y.ndim == 1
        if x.ndim != 2 or y.ndim not in (1, 2) or len(x) != len(y):
            raise ValueError(
                f"Task {name!r}: expected x of shape (examples, size) and y of "
                f"shape (examples,) or (examples, targets). Received: x of "
                f"shape {x.shape}, y of shape {y.shape}"
            )
        y = y[:, None] if is_vector else y
        is_present = ~np.isnan(y).any(axis=1)
        x, y = x[is_present], y[is_present]
        if not len(x):
            raise ValueError(
                f"Task {name!r} needs at least one label. Received: "
                f"{len(is_present)} examples without one"
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ValueError(
                f"Task {name!r} needs finite inputs and labels; NaN marks "
                "missing labels only. Received: NaN or infinity in "
                f"{'y' if np.isfinite(x).all() else 'x'}"
            )
        by_task[name] = TaskData(x, y, is_vector)
    sizes = {name: part.x.shape[1] for name, part in by_task.items()}
    if len(set(sizes.values())) > 1 or not all(sizes.values()):
        raise ValueError(
            "All tasks need the same input columns. Received: numbers of "
            f"columns {sizes}"
        )
    return by_task


def task_weights(weights, names) -> dict[str, float]:
    """Reads one weight a task; 1 by default.

    Raises:
        ValueError: If a task is unknown, or a weight is negative.
    """
    weights = {} if weights is None else weights
    if not isinstance(weights, Mapping):
        raise ValueError(
            "`task_weights` must be a dict of task name to number. Received: "
            f"{weights!r}"
        )
    for name, value in weights.items():
        if name not in names:
            raise ValueError(
                unknown("task in 'task_weights'", name, names, weights)
            )
        checks.number(f"task_weights[{name!r}]", value, low=0.0)
    whole = {name: float(weights.get(name, 1.0)) for name in names}
    if not any(whole.values()):
        raise ValueError(
            f"One of the weights of {listed(names)} must be above 0. "
            f"Received: {whole}"
        )
    return whole


def scales(arrays, *, is_scaled: bool) -> np.ndarray:
    """Returns the deviation of each column over all arrays; 1 if constant."""
    whole = np.concatenate(arrays)
    spread = whole.std(axis=0)
    is_constant = spread <= 1e-12 * np.abs(whole).max(axis=0, initial=1e-300)
    return np.where(is_constant | (not is_scaled), 1.0, spread)
