"""The losses of a group of tasks in one batch, one for each member."""

import numpy as np
from keras import ops

from mtl_keras import losses
from mtl_keras.model.task_loss import LabelledBatch, nearest_class


class LabelledGroup(LabelledBatch):
    """The sums of the members' losses over a batch, and over how many labels.

    Attributes:
        total: float32 tensor of shape `(members,)`.
        count: float32 tensor of shape `(members,)`.
        num_invalid: float32 tensor of shape `(members,)`.
    """

    def _nothing(self, task):
        return ops.zeros((len(task.members),), "float32")

    def _sum(self, task, values):
        num_members = len(task.members)
        shape = tuple(values.shape)
        if shape[1:] not in ((num_members,), () if num_members == 1 else None):
            raise ValueError(
                f"The loss of the group {task.name!r} must return a value for "
                f"each label of its {num_members} members, of shape (batch, "
                f"{num_members}). Received: values of shape {shape}."
            )
        return ops.sum(ops.reshape(values, (-1, num_members)), axis=0)

    def _class_weights(self, spec, label, table):
        """Gives each label the weight of its class, by its member's table.

        Args:
            spec: `LabelSpec`.
            label: Tensor of labels, missing ones filled.
            table: List of lists of floats, of shape `(members, classes)`.
        """
        table = np.array(table, "float32")
        starts = table.shape[1] * np.arange(len(table), dtype="int32")
        places = ops.cast(nearest_class(spec, label), "int32") + starts
        return ops.take(ops.reshape(table, (-1,)), places)


def labelled(task, *batch) -> LabelledBatch:
    """Computes the sums of a task's or a group's losses.

    Args:
        task: `Task`.
        *batch: The other arguments of `LabelledBatch`.

    Returns:
        `LabelledBatch`.
    """
    return (LabelledGroup if task.is_group else LabelledBatch)(task, *batch)


def check(task, loss) -> None:
    """Refuses a loss that would mix the members of a group.

    Args:
        task: `Task`.
        loss: Loss object or function.

    Raises:
        ValueError: If it compares labels with each other.
    """
    if task.is_group and losses.couples_labels(loss):
        raise ValueError(
            f"The loss {loss.name!r} compares the labels of a batch with each "
            f"other and would mix the members of the group {task.name!r}. "
            "Expected a loss with a value for each label, such as "
            "'binary_cross_entropy' or 'focal'."
        )
