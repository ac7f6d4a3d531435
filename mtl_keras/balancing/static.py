"""Weights that the user chose and that stay as they are."""

import math
import numbers

import keras

from mtl_keras.balancing.weighting_balancer import WeightingBalancer
from mtl_keras.messages import did_you_mean, listed


@keras.saving.register_keras_serializable(package="mtl_keras")
class Static(WeightingBalancer):
    """Gives each task a fixed weight.

    Args:
        task_weights: Number for every task, or dict of task name to number. A
            task that the dict leaves out has the weight 1.
        monitor: Boolean, whether the logs show the weights.

    Raises:
        ValueError: If a weight is negative or not finite.
    """

    when_to_use = "You know the weights, or search for them."
    is_scale_free = True
    is_fixed = True
    # Each weight is a task's by name.
    is_equivariant = False

    def __init__(self, task_weights=1.0, *, monitor: bool = False):
        super().__init__(monitor=monitor)
        named = (
            task_weights
            if isinstance(task_weights, dict)
            else {"every task": task_weights}
        )
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
        self.task_weights = (
            {name: float(weight) for name, weight in task_weights.items()}
            if isinstance(task_weights, dict)
            else float(task_weights)
        )

    def bind(self, tasks, num_parameters: int | None = None) -> None:
        """Fixes the order of the tasks and checks the names.

        Args:
            tasks: Sequence of strings.
            num_parameters: Integer, the size of the shared variables.

        Raises:
            ValueError: If a weight names a task that does not exist.
        """
        super().bind(tasks, num_parameters)
        if not isinstance(self.task_weights, dict):
            return
        for name in self.task_weights:
            if name not in tasks:
                raise ValueError(
                    f"`loss_weights` names the task {name!r}, which this "
                    f"model does not train. It trains {listed(tasks)}."
                    f"{did_you_mean(name, tasks)} "
                    f"Received: loss_weights={self.task_weights}"
                )

    def _weigh(self, step):
        values, size = self.task_weights, step.num_tasks
        if not isinstance(values, dict):
            return keras.ops.full((size,), values, dtype="float32")
        order = self.tasks if self.tasks is not None else sorted(values)
        if size != len(order):
            raise ValueError(
                f"This balancer weighs the tasks {listed(order)}. Received: "
                f"losses or Gramian of {size} tasks. Give each model a "
                "balancer of its own."
            )
        return keras.ops.convert_to_tensor(
            [float(values.get(name, 1.0)) for name in order], dtype="float32"
        )

    def get_config(self) -> dict:
        """Returns the weights."""
        return {**super().get_config(), "task_weights": self.task_weights}
