"""What a balancer did, in the logs: weights, gradient norms and cosines."""

import collections
import itertools
import math

import keras
import numpy as np
from keras import ops

from mtl_keras.messages import listed
from mtl_keras.model.label_means import LabelMeans

# More pairs than those of ten tasks are summarised: a log line of 139 tasks
# would have 9,591 cosines.
MOST_PAIRS = 45
SUMMARY = ("cosine_mean", "cosine_lowest", "num_conflicts")


class BalanceLog(LabelMeans):
    """Means over the steps of an epoch of what `monitor=True` shows.

    `<task>_weight`; and of a method that reads gradients
    `<task>_gradient_norm` and `<task>_<other>_cosine`, at the level that it
    reads, over the steps that computed them. Of more than `MOST_PAIRS` pairs,
    the logs have `cosine_mean`, `cosine_lowest` and `num_conflicts`, the
    number of pairs with a negative cosine, instead of each cosine. Of a group
    of tasks they have the mean over its members, the least and the greatest:
    `<group>_weight`, `<group>_weight_lowest` and `<group>_weight_highest`.

    Args:
        tasks: Tuple of strings, sorted.
        reads_gradients: Boolean.
        is_weighting: Boolean, whether the method has weights.
        groups: Dict, each group that is summarised to a tuple of its members.

    Raises:
        ValueError: If two pairs of tasks would have one log key.
    """

    def __init__(
        self, tasks, *, reads_gradients: bool, is_weighting: bool, groups=None
    ):
        self.is_summary = math.comb(len(tasks), 2) > MOST_PAIRS
        self.pairs = (
            []
            if self.is_summary
            else list(itertools.combinations(range(len(tasks)), 2))
        )
        self.reads_gradients = reads_gradients
        self.is_weighting = is_weighting
        self._groups = [
            (group, tuple(tasks).index(members[0]), len(members))
            for group, members in (groups or {}).items()
        ]
        in_groups = {m for group in (groups or {}).values() for m in group}
        self._single = [k for k, t in enumerate(tasks) if t not in in_groups]
        names = []
        if is_weighting:
            names += self._keys(tasks, "weight")
        if reads_gradients:
            names += self._keys(tasks, "gradient_norm")
            names += (
                SUMMARY
                if self.is_summary
                else [f"{tasks[i]}_{tasks[j]}_cosine" for i, j in self.pairs]
            )
        counts = collections.Counter(names)
        twice = sorted(name for name, count in counts.items() if count > 1)
        if twice:
            raise ValueError(
                f"`monitor=True` would log {listed(twice)} for two pairs of "
                "tasks: their names run together. Rename a task, or leave "
                f"monitor out. Received: the tasks {listed(tasks)}"
            )
        self.log_names = tuple(names)
        super().__init__(len(names), "balance")

    def _keys(self, tasks, key):
        single = [f"{tasks[k]}_{key}" for k in self._single]
        return single + [
            f"{group}_{key}{end}"
            for group, _, _ in self._groups
            for end in ("", "_lowest", "_highest")
        ]

    @classmethod
    def of(cls, balancer, step_plan, tasks) -> "BalanceLog | None":
        """Makes the log of a balancer that monitors.

        Args:
            balancer: `Balancer`, bound to its tasks.
            tasks: Dict, task name to `Task`.
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
            groups={
                name: members
                for name, members in balancer.groups.items()
                if not tasks[name].log_members
            },
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
            more_values, more_counts = self._summarised(weights, present)
            values.append(more_values)
            counts.append(more_counts)
        if self.reads_gradients:
            norms = ops.sqrt(ops.maximum(ops.diagonal(gramian), 0.0))
            is_measured = present * ops.cast(is_new, "float32")
            cosines = _summary if self.is_summary else self._cosines
            more_values, more_counts = cosines(gramian, norms, is_measured)
            norms, is_measured = self._summarised(norms, is_measured)
            values += [norms, more_values]
            counts += [is_measured, more_counts]
        values = ops.concatenate(values)
        counts = ops.concatenate(counts)
        # A step that overflowed under a loss scale must not spoil the epoch.
        is_sound = ops.isfinite(values)
        counts = ops.where(is_sound, counts, 0.0)
        self.update_state(ops.where(counts > 0, values, 0.0) * counts, counts)

    def _summarised(self, values, counts):
        """Summarises the members of each group; others stay.

        Args:
            values: float32 tensor of shape `(num_tasks,)`.
            counts: float32 tensor of that shape, 0 for a task to leave out.

        Returns:
            Tuple of the values of the log keys and of their counts.
        """
        if not self._groups:
            return values, counts
        places = np.array(self._single, "int32")
        all_values = [ops.take(values, places)]
        all_counts = [ops.take(counts, places)]
        for _, start, size in self._groups:
            own, some = (
                values[start : start + size],
                counts[start : start + size],
            )
            # What is not finite is left out, as of single tasks.
            is_read = ops.logical_and(some > 0, ops.isfinite(own))
            number = ops.sum(ops.cast(is_read, "float32"))
            mean = ops.sum(ops.where(is_read, own, 0.0)) / number
            lowest = ops.min(ops.where(is_read, own, math.inf))
            highest = ops.max(ops.where(is_read, own, -math.inf))
            all_values.append(ops.stack([mean, lowest, highest]))
            all_counts.append(ops.cast(number > 0, "float32") * np.ones(3, "f"))
        return ops.concatenate(all_values), ops.concatenate(all_counts)

    def _cosines(self, gramian, norms, is_measured):
        first, second = np.array(self.pairs, "int32").reshape(-1, 2).T
        product = ops.take(norms, first) * ops.take(norms, second)
        inner = ops.take(
            ops.reshape(gramian, (-1,)), first * norms.shape[0] + second
        )
        is_angle = product > 0
        cosines = inner / ops.where(is_angle, product, 1.0)
        both = ops.take(is_measured, first) * ops.take(is_measured, second)
        return cosines, both * ops.cast(is_angle, "float32")

    def logs(self) -> dict:
        """Returns the means so far by log key."""
        # One operation, where a slice a name would be hundreds.
        means = ops.unstack(self.result(), len(self.log_names))
        return dict(zip(self.log_names, means, strict=True))


def _summary(gramian, norms, is_measured):
    inverses = 1.0 / ops.where(norms > 0, norms, 1.0)
    cosines = gramian * inverses[:, None] * inverses[None, :]
    takes_part = ops.logical_and(is_measured > 0, norms > 0)
    is_pair = ops.logical_and(takes_part[:, None], takes_part[None, :])
    # Each pair once, and no task with itself.
    above = np.triu(np.ones((norms.shape[0],) * 2, "bool"), 1)
    is_pair = ops.logical_and(is_pair, above)
    num_pairs = ops.sum(ops.cast(is_pair, "float32"))
    total = ops.sum(ops.where(is_pair, cosines, 0.0))
    is_conflict = ops.logical_and(is_pair, cosines < 0)
    values = ops.stack(
        [
            total / ops.maximum(num_pairs, 1.0),
            ops.min(ops.where(is_pair, cosines, 1.0)),
            ops.sum(ops.cast(is_conflict, "float32")),
        ]
    )
    has_pair = ops.cast(num_pairs > 0, "float32")
    return values, has_pair * ops.ones((len(SUMMARY),), "float32")


class BalancerEpochs(keras.callbacks.Callback):
    """Calls the balancer at each epoch's end."""

    def on_epoch_end(self, epoch, logs=None):
        """Moves the state of methods that move once an epoch."""
        # `self.model` brings the state back from a step of JAX.
        self.model.balancer.on_epoch_end()
