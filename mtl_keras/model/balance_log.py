"""What a balancer did, in the logs: weights, gradient norms and cosines."""

import itertools

import keras
import numpy as np
from keras import ops

from mtl_keras.messages import listed
from mtl_keras.model.label_means import LabelMeans


class BalanceLog(LabelMeans):
    """Means over the steps of an epoch of what `monitor=True` shows.

    `<task>_weight`; and of a method that reads gradients
    `<task>_gradient_norm` and `<task>_<other>_cosine`, at the level that it
    reads, over the steps that computed them.

    Args:
        tasks: Tuple of strings, sorted.
        reads_gradients: Boolean.
        is_weighting: Boolean, whether the method has weights.

    Raises:
        ValueError: If two pairs of tasks would have one log key.
    """

    def __init__(self, tasks, *, reads_gradients: bool, is_weighting: bool):
        self.pairs = list(itertools.combinations(range(len(tasks)), 2))
        self.reads_gradients = reads_gradients
        self.is_weighting = is_weighting
        names = []
        if is_weighting:
            names += [f"{name}_weight" for name in tasks]
        if reads_gradients:
            names += [f"{name}_gradient_norm" for name in tasks]
            names += [f"{tasks[i]}_{tasks[j]}_cosine" for i, j in self.pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"`monitor=True` would log {listed(twice)} for two pairs of "
                "tasks: their names run together. Rename a task, or leave "
                f"monitor out. Received: the tasks {listed(tasks)}"
            )
        self.log_names = tuple(names)
        super().__init__(len(names), "balance")

    @classmethod
    def of(cls, balancer, step_plan) -> "BalanceLog | None":
        """Makes the log of a balancer that monitors.

        Args:
            balancer: `Balancer`, bound to its tasks.
            step_plan: `StepPlan`, or `None` of a step that reads no gradient.

        Returns:
            `BalanceLog`; `None` where no task is trained.
        """
        if not balancer.tasks:
            return None
        return cls(
            balancer.tasks,
            reads_gradients=step_plan is not None,
            # A plain step weighs the losses, whatever the method.
            is_weighting=step_plan is None or balancer.is_weighting,
        )

    def add(self, weights, present, gramian=None, is_new=None) -> None:
        """Adds a step.

        Args:
            weights: float32 tensor of shape `(num_tasks,)`, or `None`.
            present: float32 tensor of shape `(num_tasks,)`, 0 where a task has
                no label.
            gramian: float32 tensor of shape `(num_tasks, num_tasks)`.
            is_new: Boolean tensor, whether the Gramian is this step's.
        """
        values, counts = [], []
        if self.is_weighting:
            values.append(weights)
            counts.append(present)
        if self.reads_gradients:
            norms = ops.sqrt(ops.maximum(ops.diagonal(gramian), 0.0))
            first, second = np.array(self.pairs, "int32").reshape(-1, 2).T
            is_measured = present * ops.cast(is_new, "float32")
            product = ops.take(norms, first) * ops.take(norms, second)
            inner = ops.take(
                ops.reshape(gramian, (-1,)), first * norms.shape[0] + second
            )
            is_angle = product > 0
            cosines = inner / ops.where(is_angle, product, 1.0)
            both = ops.take(is_measured, first) * ops.take(is_measured, second)
            values += [norms, cosines]
            counts += [is_measured, both * ops.cast(is_angle, "float32")]
        values = ops.concatenate(values)
        counts = ops.concatenate(counts)
        # A step that overflowed under a loss scale must not spoil the epoch.
        is_sound = ops.isfinite(values)
        counts = ops.where(is_sound, counts, 0.0)
        self.update_state(ops.where(counts > 0, values, 0.0) * counts, counts)

    def logs(self) -> dict:
        """Returns the means so far by log key."""
        means = self.result()
        return {name: means[i] for i, name in enumerate(self.log_names)}


class BalancerEpochs(keras.callbacks.Callback):
    """Calls the balancer at each epoch's end."""

    def on_epoch_end(self, epoch, logs=None):
        """Moves the state of methods that move once an epoch."""
        # `self.model` brings the state back from a step of JAX.
        self.model.balancer.on_epoch_end()
