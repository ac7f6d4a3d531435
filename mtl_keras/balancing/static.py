"""Weights that the user chose and that stay as they are."""

import math

import keras

from mtl_keras.balancing.balancer import Balancer
from mtl_keras.suggest import did_you_mean, listed


@keras.saving.register_keras_serializable(package="mtl_keras")
class Static(Balancer):
    """Gives each task a fixed weight.

    Args:
        task_weights: Number for every task, or dict of task name to number. A
            task that the dict leaves out has the weight 1.

    Raises:
        ValueError: If a weight is negative or not finite.
    """

    def __init__(self, task_weights=1.0):
        super().__init__()
        named = (
            task_weights
            if isinstance(task_weights, dict)
            else {"every task": task_weights}
        )
        for name, weight in named.items():
            is_number = isinstance(weight, int | float) and not isinstance(
                weight, bool
            )
            if not is_number or not math.isfinite(weight) or weight < 0:
                raise ValueError(
                    "A loss weight must be a finite number of at least 0. "
                    f"Received: {weight!r} for {name!r}"
                )
        self.task_weights = (
            dict(task_weights)
            if isinstance(task_weights, dict)
            else float(task_weights)
        )

    def bind(self, tasks) -> None:
        """Fixes the order of the tasks and checks the names.

        Args:
            tasks: Sequence of strings.

        Raises:
            ValueError: If a weight names a task that isn't there.
        """
        super().bind(tasks)
        if not isinstance(self.task_weights, dict):
            return
        for name in self.task_weights:
            if name not in tasks:
                raise ValueError(
                    f"`loss_weights` names the task {name!r}, which this "
                    f"model does not have. Its tasks are {listed(tasks)}."
                    f"{did_you_mean(name, tasks)} "
                    f"Received: loss_weights={self.task_weights}"
                )

    def weights(self, gramian=None, losses=None):
        """Returns the chosen weights in the order of the tasks.

        Args:
            gramian: Ignored.
            losses: Tensor of shape `(num_tasks,)`; needed where one number
                stands for every task and no model is compiled with this.

        Returns:
            float32 tensor of shape `(num_tasks,)`.
        """
        values = self.task_weights
        if not isinstance(values, dict):
            given = losses if losses is not None else gramian
            size = len(self.tasks or ()) if given is None else given.shape[0]
            return keras.ops.full((size,), values, dtype="float32")
        order = self.tasks if self.tasks is not None else sorted(values)
        return keras.ops.convert_to_tensor(
            [float(values.get(name, 1.0)) for name in order], dtype="float32"
        )

    def get_config(self) -> dict:
        """Returns the weights."""
        return {"task_weights": self.task_weights}
