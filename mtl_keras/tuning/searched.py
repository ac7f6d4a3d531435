"""What every HyperModel of ours has: an objective, and the gain in the logs."""

from collections.abc import Callable, Iterable

import keras_tuner

from mtl_keras import optimizers
from mtl_keras.tuning import objective as objectives
from mtl_keras.tuning.gain import Gain


class Searched(keras_tuner.HyperModel):
    """A HyperModel that knows what is sought.

    Attributes:
        objective: `keras_tuner.Objective`, for a tuner.
        sought: `mtl_keras.tuning.objective.Objective`, the same with all that
            is measured beside it.
    """

    def _seek(
        self,
        objective: str,
        keys: Iterable[str],
        tasks: Iterable[str],
        directions: dict,
    ) -> None:
        """Sets the objective.

        Args:
            objective: String, `"gain"` or a task's metric.
            keys: Strings, the log keys that are measured.
            tasks: Strings, names of tasks.
            directions: Dict with `"higher"` and `"lower"`, names of metrics.

        Raises:
            ValueError: If the objective is not among `keys`.
        """
        self.sought = objectives.resolve(objective, keys, tasks, **directions)
        name = objective if self.sought.is_gain else f"val_{self.sought.name}"
        self.objective = keras_tuner.Objective(name, self.sought.direction)

    def _with_gain(
        self, callbacks: Iterable, references: Callable[[], dict]
    ) -> list:
        """Adds the callback that logs the gain, where that is the objective.

        Args:
            callbacks: Callbacks.
            references: Function that measures the single-task models.

        Returns:
            List of callbacks.
        """
        if not self.sought.is_gain:
            return list(callbacks)
        # First: the others find the gain in the logs.
        return [Gain(self.sought, references()), *callbacks]


def recipe_alone(recipe: dict) -> dict:
    """Leaves out of a recipe what it says about several tasks.

    Args:
        recipe: Dict, a recipe.

    Returns:
        Dict: without balancer, loss weights and shared dropout, and with the
        trunk's optimizer for the whole model.
    """
    # Nothing is shared by one task: it has no trunk of its own.
    optimizer = optimizers.with_parts(recipe["optimizer"])
    parts = optimizer.pop("parts", None) or {}
    if recipe.get("stages") is not None:
        recipe = {**recipe, "stages": [*map(_of_trunk, recipe["stages"])]}
    return {
        **recipe,
        "optimizer": {**optimizer, **(parts.get("trunk") or {})},
        "loss_weights": None,
        "balancer": None,
        "shared_dropout": None,
    }


def _of_trunk(fields) -> dict:
    """Gives the whole model the learning rate of the trunk."""
    fields = dict(fields)
    rate = fields.pop("trunk_learning_rate", None)
    return fields if rate is None else {**fields, "learning_rate": rate}
