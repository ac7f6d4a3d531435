"""What architectures that stand on another one have in common."""

import abc
import dataclasses

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


class Chained(Composed):
    """An architecture of tasks that follow each other.

    The head of a task after the first gives a probability that the output of
    the task before is joined to.

    Args:
        base: As of `Composed`.
    """

    @abc.abstractmethod
    def inner_name(self, task_name: str, before: str) -> str:
        """Returns the name of a task's output before it is joined."""

    @abc.abstractmethod
    def joining_layer(self, task_name: str):
        """Makes the layer of `[output of the task before, probability]`."""

    def outputs(self, inputs, tasks, trunk, head):
        """Builds the heads, each joined to that of the task before."""
        ordered_presences(tasks, self.name)
        names = tuple(task.name for task in tasks)
        features = self.features(inputs, names, trunk)
        outputs = {}
        before = None
        for task in tasks:
            if before is None:
                outputs[task.name] = head(features[task.name], task)
            else:
                name = self.inner_name(task.name, before)
                inner = head(
                    features[task.name], dataclasses.replace(task, name=name)
                )
                outputs[task.name] = self.joining_layer(task.name)(
                    [outputs[before], inner]
                )
            before = task.name
        return outputs


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
