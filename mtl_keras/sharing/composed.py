"""What architectures that stand on another one have in common."""

import keras

from mtl_keras.sharing import registry
from mtl_keras.sharing.architecture import Sharing


class Composed(Sharing):
    """An architecture whose features come from another one, its base.

    Args:
        base: Name of an architecture, a dict with hyperparameters, or a
            `Sharing`. Defaults to `"hard"`.
    """

    def __init__(self, *, base="hard"):
        self.base = registry.get(base)
        self.levels = self.base.levels
        self.refusal = self.base.refusal

    def features(self, inputs, task_names, trunk):
        """Returns the features of the base."""
        return self.base.features(inputs, task_names, trunk)

    def penalties(self, model):
        """Returns the penalties of the base."""
        return self.base.penalties(model)

    def get_config(self):
        """Returns the hyperparameters, with the config of the base."""
        save = keras.saving.serialize_keras_object
        return {**super().get_config(), "base": save(self.base)}


def ordered_presences(tasks, what: str) -> None:
    """Checks tasks that follow each other, such as click and conversion.

    Args:
        tasks: Tuple of `Task`, the earliest first.
        what: String, the architecture's name, for the error.

    Raises:
        ValueError: If there is one task, or one is no probability.
    """
    kinds = {task.name: task.kind for task in tasks}
    if len(tasks) >= 2 and set(kinds.values()) == {"presence"}:
        return
    raise ValueError(
        f"The sharing {what!r} needs two or more tasks of the kind 'presence' "
        "in the order in which they happen, such as click, then conversion. "
        f"Received: {kinds}"
    )
