"""Weights that the user chose, and may change while the model trains."""

import collections.abc
import math
import numbers

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.weighting_balancer import WeightingBalancer
from mtl_keras.groups.members import abridged, by_member, check_known


@keras.saving.register_keras_serializable(package="mtl_keras")
class Static(WeightingBalancer):
    """Gives each task a weight that only the user changes.

    A change during training, such as by a callback, takes effect in the next
    step; nothing is compiled again:

    ```python
    model.balancer.task_weights["box"] = 0.5
    model.balancer.task_weights = {"box": 0.5, "cls": 2.0}
    ```

    Args:
        task_weights: Number for every task, or dict of task name to number. A
            task that the dict leaves out has the weight 1. A group's number
            is that of each member without one of its own.
        monitor: Boolean, whether the logs show the weights.

    Raises:
        ValueError: If a weight is negative or not finite.
    """

    when_to_use = (
        "You know the weights, search for them, or change them in a callback."
    )
    is_scale_free = True
    is_fixed = True
    # Each weight is a task's by name.
    is_equivariant = False
    takes_smoothing = False

    def __init__(self, task_weights=1.0, *, monitor: bool = False):
        super().__init__(monitor=monitor)
        self._initial_weights = _checked_weights(task_weights)

    @property
    def task_weights(self):
        """The weights of now.

        A number, where one was given for every task and no model is compiled
        with it; else a `TaskWeights`, task name to weight, whose entries can
        be set. Assigning a number, or a dict of some tasks, changes them too.

        Raises:
            ValueError: On setting, if a name is no task that the model
                trains, or a weight is negative or not finite.
        """
        if self.tasks is None and not isinstance(self._initial_weights, dict):
            return self._initial_weights
        return TaskWeights(self)

    @task_weights.setter
    def task_weights(self, task_weights):
        changes = _checked_weights(task_weights)
        if self.tasks is None:
            if isinstance(self._initial_weights, dict) and isinstance(
                changes, dict
            ):
                changes = {**self._initial_weights, **changes}
            self._initial_weights = changes
            self._variables = {}
            return
        if isinstance(changes, dict):
            self._check_names(changes, self.tasks)
            changes = by_member(changes, self.groups)
        now = dict(self.task_weights)
        self._variables["task_weights"].assign(
            _vector(changes, self.tasks, now)
        )

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the weights of now, and those that the
            balancer was made with.

        Raises:
            ValueError: If the weights are those of another number of tasks.
        """
        values = self._initial_weights
        if not isinstance(values, dict):
            weights = np.full(num_tasks, values, "float32")
            return {"task_weights": weights, "initial_weights": weights}
        values = by_member(values, self.groups)
        order = self.tasks if self.tasks is not None else sorted(values)
        if num_tasks != len(order):
            raise ValueError(
                f"This balancer weighs the tasks {abridged(order)}. Received: "
                f"losses or Gramian of {num_tasks} tasks. Give each model a "
                "balancer of its own."
            )
        weights = _vector(values, order, {})
        return {"task_weights": weights, "initial_weights": weights}

    def bind(self, tasks, num_parameters: int | None = None) -> None:
        """Fixes the order of the tasks and checks the names.

        Args:
            tasks: Sequence of strings.
            num_parameters: Integer, the size of the shared variables.

        Raises:
            ValueError: If a weight names a task that does not exist.
        """
        if isinstance(self._initial_weights, dict):
            self._check_names(self._initial_weights, tasks)
        super().bind(tasks, num_parameters)

    def update(
        self,
        gramian=None,
        losses=None,
        present=None,
        *,
        when=None,
        weights=None,
    ):
        """Moves nothing: only the user changes the weights.

        Args:
            gramian: As of `weights`.
            losses: As of `weights`.
            present: As of `weights`.
            when: Boolean scalar tensor; not read.
            weights: Tensor; not read.
        """
        self._step(gramian, losses, present)

    def load_state(self, stored) -> None:
        """Restores weights that were changed in training.

        A file of a model that was compiled with other weights does not
        override those of this model.

        Args:
            stored: Mapping, variable name to array.
        """
        if not self._variables:
            return
        initial = self._variables["initial_weights"]
        name = self._variables["task_weights"].name
        if name not in stored or initial.name not in stored:
            return
        if np.array_equal(
            np.asarray(stored[initial.name]), ops.convert_to_numpy(initial)
        ):
            self._variables["task_weights"].assign(stored[name])

    def _check_names(self, weights, tasks):
        check_known("loss_weights", weights, tasks, self.groups)

    def _weigh(self, step):
        return step.state["task_weights"]

    def get_config(self) -> dict:
        """Returns the weights that the balancer was made with."""
        return {**super().get_config(), "task_weights": self._initial_weights}


class TaskWeights(collections.abc.Mapping):
    """The weights of a `Static` by task; setting one changes training.

    Args:
        balancer: `Static`.
    """

    def __init__(self, balancer):
        self._balancer = balancer

    def _values(self) -> dict:
        balancer = self._balancer
        if balancer.tasks is None:
            return balancer._initial_weights
        vector = ops.convert_to_numpy(balancer._variables["task_weights"])
        return dict(zip(balancer.tasks, vector.tolist(), strict=True))

    def __getitem__(self, name):
        return self._values()[name]

    def __setitem__(self, name, weight):
        self._balancer.task_weights = {name: weight}

    def __iter__(self):
        return iter(self._values())

    def __len__(self):
        return len(self._values())

    def __repr__(self):
        return repr(self._values())


def _vector(weights, tasks, others):
    if not isinstance(weights, dict):
        weights = dict.fromkeys(tasks, weights)
    known = {**others, **weights}
    return np.array([known.get(name, 1.0) for name in tasks], "float32")


def _checked_weights(task_weights):
    is_named = isinstance(task_weights, collections.abc.Mapping)
    named = task_weights if is_named else {"every task": task_weights}
    for name, weight in named.items():
        # `numbers.Real` counts NumPy's numbers in.
        is_number = isinstance(weight, numbers.Real) and not isinstance(
            weight, bool
        )
        if not is_number or not math.isfinite(weight) or weight < 0:
            raise ValueError(
                "A loss weight must be a finite number of at least 0. "
                f"Received: {weight!r} for {name!r}"
            )
    if not is_named:
        return float(task_weights)
    return {name: float(weight) for name, weight in task_weights.items()}
