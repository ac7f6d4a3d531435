"""How often combinations of the tasks' labels occur."""

import dataclasses
import math

import numpy as np

from mtl_keras import checks
from mtl_keras.ensemble import label_columns
from mtl_keras.messages import listed
from mtl_keras.task import Task

_KINDS = ("classification", "presence")
_HIGHEST_STRENGTH = 2.0


@dataclasses.dataclass(frozen=True, eq=False)
class LabelPrior:
    """The probability of each combination of labels of several tasks.

    ```python
    prior = ensemble.LabelPrior.fit(labels, tasks)
    prior.table[1, 0]                    # p(first task is 1, second is 0)
    ```

    Args:
        tasks: Tuple of `Task` of kind `"classification"` or `"presence"`.
        table: float64 array with an axis a task, of its number of classes;
            positive, of sum 1.

    Raises:
        ValueError: If a task is of another kind, or the table does not fit.
    """

    tasks: tuple[Task, ...]
    table: np.ndarray

    def __post_init__(self):
        tasks = _checked_tasks(self.tasks)
        table = np.asarray(self.table, np.float64)
        sizes = tuple(label_columns.num_classes(task) for task in tasks)
        if table.shape != sizes:
            raise ValueError(
                "The table of a LabelPrior has an axis for each task. Expected "
                f"the shape {sizes}. Received: shape {table.shape}"
            )
        if not (table > 0).all() or not math.isclose(table.sum(), 1.0):
            raise ValueError(
                "The table of a LabelPrior must be positive with sum 1. "
                f"Received: from {table.min():g} to {table.max():g}, sum "
                f"{table.sum():g}"
            )
        object.__setattr__(self, "tasks", tasks)
        object.__setattr__(self, "table", table / table.sum())

    @classmethod
    def fit(
        cls,
        labels: dict,
        tasks,
        *,
        smoothing: float = 1.0,
        max_combinations: int = 4096,
    ) -> "LabelPrior":
        """Counts combinations, smoothed towards independent labels.

        With `n` examples that have all labels, `n(y)` of them the combination
        `y`, and `p_k` the frequency of a task's label, each counted once more:

            p(y) = (n(y) + smoothing * prod_k p_k(y_k)) / (n + smoothing)

        Args:
            labels: Dict of task name to array of shape `(examples,)` or
                `(examples, 1)`, of the training or validation split. An
                example without all labels is left out.
            tasks: Sequence of at least two `Task`, or a dict of them.
            smoothing: Positive float, the number of examples that the product
                of the frequencies counts for.
            max_combinations: Integer, the most combinations that are allowed.

        Returns:
            `LabelPrior`.

        Raises:
            ValueError: If a task is of another kind or has no labels, there
                are too many combinations, or no example has all labels.
        """
        tasks = _checked_tasks(tasks)
        smoothing = checks.number("smoothing", smoothing, above=0)
        limit = checks.integer("max_combinations", max_combinations, low=4)
        sizes = tuple(label_columns.num_classes(task) for task in tasks)
        if math.prod(sizes) > limit:
            raise ValueError(
                f"Expected at most {limit:,} combinations of labels. Received: "
                f"{math.prod(sizes):,} combinations of "
                f"{listed(t.name for t in tasks)}. Choose fewer tasks, or "
                "raise `max_combinations`."
            )
        numbers = label_columns.class_numbers(labels, tasks)
        whole = numbers[(numbers >= 0).all(1)]
        if not len(whole):
            raise ValueError(
                "A LabelPrior needs examples with labels of all tasks. "
                f"Received: none among {len(numbers)} examples"
            )
        counts = np.zeros(sizes)
        np.add.at(counts, tuple(whole.T), 1.0)
        independent = np.ones(())
        for axis, size in enumerate(sizes):
            others = tuple(a for a in range(len(sizes)) if a != axis)
            frequency = (counts.sum(others) + 1.0) / (len(whole) + size)
            independent = independent[..., None] * frequency
        table = (counts + smoothing * independent) / (len(whole) + smoothing)
        return cls(tasks, table)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tasks, in the order of the table's axes."""
        return tuple(task.name for task in self.tasks)

    @property
    def marginals(self) -> list:
        """The probabilities of each task's labels, float64 arrays."""
        axes = range(self.table.ndim)
        return [
            self.table.sum(tuple(a for a in axes if a != axis)) for axis in axes
        ]

    @property
    def log_ratio(self) -> np.ndarray:
        """`log p(y) - sum_k log p(y_k)`, of the table's shape.

        0 everywhere where the labels are independent.
        """
        ratio = np.log(self.table)
        for axis, marginal in enumerate(self.marginals):
            shape = [1] * self.table.ndim
            shape[axis] = -1
            ratio = ratio - np.log(marginal).reshape(shape)
        return ratio

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the combinations: `"income=1, never_married=0"`."""
        names = []
        for index in np.ndindex(self.table.shape):
            parts = [
                f"{task.name}={task.class_names[i] if task.class_names else i}"
                for task, i in zip(self.tasks, index, strict=True)
            ]
            names.append(", ".join(parts))
        return tuple(names)

    def encode(self, labels: dict) -> np.ndarray:
        """Numbers the combinations of labels.

        Args:
            labels: Dict, as for `fit`.

        Returns:
            int32 array of shape `(examples,)`: a place in the flattened
            table, -1 where a label is missing.
        """
        numbers = label_columns.class_numbers(labels, self.tasks)
        is_whole = (numbers >= 0).all(1)
        flat = np.ravel_multi_index(
            tuple(np.maximum(numbers, 0).T), self.table.shape
        )
        return np.where(is_whole, flat, -1).astype(np.int32)

    def decode(self, combinations) -> dict:
        """Returns the labels of numbers of combinations.

        Args:
            combinations: Array of integers, as of `encode`, such as
                `model.predict(x)["joint"].argmax(-1)`.

        Returns:
            Dict of task name to int32 array of the same shape.

        Raises:
            ValueError: If a number is out of range.
        """
        combinations = np.asarray(combinations)
        if combinations.dtype.kind not in "iu" and combinations.size:
            raise ValueError(
                "Numbers of combinations must be integers. Received: dtype "
                f"{combinations.dtype}"
            )
        combinations = combinations.astype(np.int64)
        if combinations.size and not (
            0 <= combinations.min() <= combinations.max() < self.table.size
        ):
            raise ValueError(
                "Numbers of combinations go from 0 to "
                f"{self.table.size - 1}. Received: from {combinations.min()} "
                f"to {combinations.max()}"
            )
        indices = np.unravel_index(combinations, self.table.shape)
        return {
            name: index.astype(np.int32)
            for name, index in zip(self.names, indices, strict=True)
        }

    def posterior(self, predictions: dict, strength: float = 1.0):
        """Computes the probability of each combination, for each example.

            p(y | x) ~ prod_k p(y_k | x) * (p(y) / prod_k p(y_k)) ** strength

        Args:
            predictions: Dict of task name to probabilities: of shape
                `(examples, classes)`, or `(examples, 1)` of presence.
            strength: Non-negative float: 0 for independent tasks, 1 for the
                formula of tasks that are independent given the label of each.

        Returns:
            float64 array of shape `(examples, combinations)`.

        Raises:
            ValueError: If predictions do not fit.
        """
        strength = checks.number("strength", strength, low=0)
        scores = strength * self.log_ratio[None]
        all_logs = [
            label_columns.log_probabilities(t, predictions) for t in self.tasks
        ]
        if len({len(logs) for logs in all_logs}) > 1:
            raise ValueError(
                "Predictions must be of the same examples. Received: lengths "
                f"{[len(logs) for logs in all_logs]} of {listed(self.names)}"
            )
        for axis, logs in enumerate(all_logs):
            shape = [len(logs)] + [1] * self.table.ndim
            shape[axis + 1] = logs.shape[1]
            scores = scores + logs.reshape(shape)
        scores = scores.reshape(len(scores), -1)
        scores -= scores.max(1, keepdims=True)
        weights = np.exp(scores)
        return weights / weights.sum(1, keepdims=True)

    def log_likelihood(
        self, predictions: dict, labels: dict, strength: float = 1.0
    ) -> np.ndarray:
        """Computes the log-probability of each example's combination.

        Args:
            predictions: As for `posterior`.
            labels: Dict, as for `fit`.
            strength: As for `posterior`.

        Returns:
            float64 array of the examples that have all labels.

        Raises:
            ValueError: If predictions or labels do not fit, or no example has
                all labels.
        """
        posterior = self.posterior(predictions, strength)
        combination = self.encode(labels)
        if len(combination) != len(posterior):
            raise ValueError(
                "Predictions and labels must be of the same examples. "
                f"Received: {len(posterior)} and {len(combination)}"
            )
        chosen = np.flatnonzero(combination >= 0)
        if not len(chosen):
            raise ValueError(
                "Expected examples with labels of all tasks. Received: none"
            )
        return np.log(posterior[chosen, combination[chosen]])

    def fit_strength(self, predictions: dict, labels: dict) -> float:
        """Finds the strength of the highest likelihood, from 0 to 2.

        Models of one task have read the same inputs: what these say about
        both labels is in both posteriors, and the whole ratio of the formula
        would count a part of the dependence twice.

        Args:
            predictions: As for `posterior`, of a split that no model was
                trained on.
            labels: Dict, as for `fit`, of this split.

        Returns:
            Float in [0, 2].

        Raises:
            ValueError: As for `log_likelihood`.
        """
        low, high = 0.0, _HIGHEST_STRENGTH

        def loss(strength):
            return -self.log_likelihood(predictions, labels, strength).mean()

        # The loss is convex in the strength, as in any log-linear model.
        while high - low > 1e-3:
            left, right = low + (high - low) / 3, high - (high - low) / 3
            if loss(left) < loss(right):
                high = right
            else:
                low = left
        return float((low + high) / 2)


def _checked_tasks(tasks) -> tuple:
    if isinstance(tasks, dict):
        tasks = tasks.values()
    # What is not iterable is refused as one thing that is no task.
    tasks = tuple(tasks) if hasattr(tasks, "__iter__") else (tasks,)
    for task in tasks:
        is_one = isinstance(task, Task) and task.kind in _KINDS
        if not is_one or task.is_group:
            raise ValueError(
                "A LabelPrior is of Task objects of kind 'classification' and "
                f"'presence', not of groups. Received: {task!r}"
            )
    names = [task.name for task in tasks]
    if len(tasks) < 2 or len(set(names)) < len(names):
        raise ValueError(
            "A LabelPrior needs at least two tasks of different names. "
            f"Received: {listed(names)}"
        )
    return tasks
