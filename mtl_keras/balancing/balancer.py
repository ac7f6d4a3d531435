"""The contract of a balancer: what each method's file fills in."""

import abc

import keras
from keras import ops

from mtl_keras.balancing.reading import (
    finite,
    read_jacobian,
    read_tasks,
    read_vector,
)
from mtl_keras.messages import did_you_mean, listed


class Balancer(abc.ABC):
    """Merges what the tasks want into one update.

    `weights` and `combine` are pure: they answer for the losses and gradients
    they are given and the state so far, eagerly on a balancer that no model
    has seen, from NumPy arrays as well as tensors. `update` alone moves the
    state. A step asks for the weights, then updates.

    A method implements `_weigh(state, gramian, losses, present)` and, where it
    has a state, `initial_state(num_tasks)` and
    `_advance(state, gramian, losses, present)`. Both are pure, of fixed
    shapes, in float32 and in `keras.ops`; `present` is a vector of 1, and 0
    for a task without labels in the batch, which takes no part in anything.

    Args:
        preference: Dict, task name to positive number, how much each task
            matters (1 where it is left out), or `None`; not every method
            takes one.
        monitor: Boolean, whether the logs show each task's weight and, where
            the method reads gradients, their norms and cosines.

    Attributes:
        levels: Tuple of strings, where the method is defined: `"losses"`, or
            some of `"parameters"`, `"features"` and `"last_shared"`; the first
            is the default.
        is_scale_free: Boolean, whether `s * J` has the direction of `J`.
        is_conflict_free: Boolean, whether the direction never has a negative
            product with a row.
        is_equivariant: Boolean, whether the order of tasks does not matter.
        needs_losses: Boolean, whether the losses are read.
        needs_positive_losses: Boolean, whether a loss must be above zero.
        takes_preference: Boolean.
        reads_gradients: Boolean.
        is_fixed: Boolean, whether the weights never change; the log `loss` is
            then their sum of the losses, and else the plain sum.
    """

    levels: tuple[str, ...] = ("losses",)
    is_scale_free = False
    is_conflict_free = False
    is_equivariant = True
    needs_losses = False
    needs_positive_losses = False
    takes_preference = False
    reads_gradients = False
    is_fixed = False

    def __init__(self, *, preference=None, monitor: bool = False):
        self.tasks: tuple[str, ...] | None = None
        self.on = self.levels[0]
        # A weak reference to the model whose state this holds.
        self.owner = None
        if monitor not in (True, False):
            raise ValueError(
                "`monitor` must be True or False. "
                f"Received: monitor={monitor!r}"
            )
        self.monitor = bool(monitor)
        self.preference = _checked_preference(self, preference)
        self._variables: dict[str, keras.Variable] = {}
        self._num_tasks: int | None = None

    # What a method fills in.

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array of a fixed shape.
        """
        del num_tasks
        return {}

    @abc.abstractmethod
    def _weigh(self, state, gramian, losses, present):
        """Computes the weights, shape `(num_tasks,)`; pure."""

    def _advance(self, state, gramian, losses, present) -> dict:
        """Computes the state after this step; pure."""
        del gramian, losses, present
        return state

    # What users and engines call.

    def bind(self, tasks) -> None:
        """Fixes the order of the tasks and makes the state's variables.

        Args:
            tasks: Sequence of strings, sorted; row `k` of a Jacobian and
                entry `k` of the losses belong to `tasks[k]`.

        Raises:
            ValueError: If this balancer speaks of a task that isn't there.
        """
        tasks = tuple(tasks)
        for name in self.preference or ():
            if name not in tasks:
                raise ValueError(
                    f"`preference` names the task {name!r}, which this model "
                    f"does not train. It trains {listed(tasks)}."
                    f"{did_you_mean(name, tasks)} "
                    f"Received: preference={self.preference}"
                )
        if self.tasks != tasks:
            self._variables = {}
        self.tasks = tasks
        self._make_variables(len(tasks))

    @property
    def variables(self) -> list[keras.Variable]:
        """The state, in a fixed order; saved with the model."""
        return [self._variables[name] for name in sorted(self._variables)]

    @property
    def num_tasks(self) -> int | None:
        """Of how many tasks the state is, where no model gave them names."""
        return None if self.tasks is not None else self._num_tasks

    def weights(self, gramian=None, losses=None, present=None):
        """Computes the tasks' weights for this batch.

        Args:
            gramian: Float tensor of shape `(num_tasks, num_tasks)`, the inner
                products of the tasks' gradients, where the method reads them.
            losses: Float tensor of shape `(num_tasks,)`, where it reads them.
            present: Tensor of shape `(num_tasks,)`, 0 for a task without
                labels in the batch. Defaults to `None`, all are there.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.

        Raises:
            ValueError: If what the method reads is not given, or shapes
                disagree.
        """
        given = self._read(gramian, losses, present)
        weights = self._weigh(self.state(given[2].shape[0]), *given)
        return ops.where(given[2] > 0, weights, 0.0)

    def head_weights(self, losses=None, present=None):
        """Computes what each task's loss is multiplied with at its head.

        A method of the losses multiplies the whole loss. One of gradients
        leaves the heads alone, unless its paper says otherwise.

        Args:
            losses: Float tensor of shape `(num_tasks,)`.
            present: As of `weights`.

        Returns:
            float32 tensor of shape `(num_tasks,)`.
        """
        return self.weights(losses=losses, present=present)

    def combine(self, jacobian, losses=None, present=None):
        """Merges the tasks' gradients into one update direction.

        Args:
            jacobian: Float tensor of shape `(num_tasks, num_parameters)`; row
                `k` is the gradient of task `k`'s loss.
            losses: Float tensor of shape `(num_tasks,)`, or `None` where the
                method does not read them.
            present: As of `weights`.

        Returns:
            float32 tensor of shape `(num_parameters,)`, on the paper's scale.
        """
        jacobian = read_jacobian(jacobian)
        gramian = ops.matmul(jacobian, ops.transpose(jacobian))
        weights = self.weights(gramian, losses, present)
        return ops.matmul(weights, jacobian)

    def update(self, gramian=None, losses=None, present=None, *, when=None):
        """Moves the state past a step; nothing else does.

        A step whose losses or gradients are not finite leaves it as it was.

        Args:
            gramian: As of `weights`.
            losses: As of `weights`.
            present: As of `weights`.
            when: Boolean scalar tensor, whether to move at all.
        """
        given = self._read(gramian, losses, present)
        self._make_variables(given[2].shape[0])
        if self._variables:
            new = self._advance(self.state(given[2].shape[0]), *given)
            self._commit(new, given[:2], when)

    def on_epoch_end(self) -> None:
        """Does what a method does once an epoch; `fit` calls it."""
        return None

    def state(self, num_tasks: int) -> dict:
        """Returns the state by name, as tensors.

        Args:
            num_tasks: Integer.
        """
        if self._variables:
            return {
                name: ops.convert_to_tensor(variable)
                for name, variable in self._variables.items()
            }
        return {
            name: ops.convert_to_tensor(value)
            for name, value in self.initial_state(num_tasks).items()
        }

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        config = {"monitor": self.monitor}
        if self.takes_preference:
            config["preference"] = self.preference
        return config

    @classmethod
    def from_config(cls, config: dict) -> "Balancer":
        """Makes the balancer that `get_config` described."""
        return cls(**config)

    # Shared by the methods.

    def _read(self, gramian, losses, present):
        num_tasks = read_tasks(self, gramian, losses, present)
        if self.needs_losses and losses is None:
            raise ValueError(
                f"{type(self).__name__} reads the tasks' losses. Received: "
                "losses=None. Pass losses, a vector with one for each task."
            )
        losses = read_vector("losses", losses, num_tasks)
        present = read_vector("present", present, num_tasks)
        if present is None:
            present = ops.ones((num_tasks,), "float32")
        present = ops.cast(present > 0, "float32")
        if losses is not None:
            losses = ops.where(present > 0, losses, 0.0)
        if gramian is not None:
            gramian = ops.convert_to_tensor(gramian, dtype="float32")
            both = ops.outer(present, present)
            gramian = ops.where(both > 0, gramian, 0.0)
        return gramian, losses, present

    def _preferences(self, num_tasks: int):
        """Returns the preference as a tensor of shape `(num_tasks,)`."""
        chosen = self.preference or {}
        names = self.tasks if self.tasks is not None else sorted(chosen)
        if chosen and len(names) != num_tasks:
            raise ValueError(
                f"`preference` speaks of {listed(names)}. Received: losses or "
                f"gradients of {num_tasks} tasks. Name each task, or compile "
                "a model with this balancer first."
            )
        values = [chosen.get(name, 1.0) for name in names] if chosen else None
        return ops.convert_to_tensor(
            values or [1.0] * num_tasks, dtype="float32"
        )

    def _make_variables(self, num_tasks):
        if self._variables:
            return
        self._num_tasks = num_tasks
        for name, value in self.initial_state(num_tasks).items():
            self._variables[name] = keras.Variable(
                value,
                trainable=False,
                dtype=value.dtype.name,
                # Each replica computes the same new value.
                aggregation="only_first_replica",
                name=f"balancer_{name}",
            )

    def _commit(self, new, given, when):
        is_sound = finite([g for g in given if g is not None])
        if when is not None:
            is_sound = ops.logical_and(is_sound, when)
        for name, variable in self._variables.items():
            old = ops.convert_to_tensor(variable)
            value = ops.cast(new[name], old.dtype)
            variable.assign(ops.where(is_sound, value, old))


def _checked_preference(balancer, preference):
    if preference is None:
        return None
    name = type(balancer).__name__
    if not balancer.takes_preference:
        raise ValueError(
            f"{name} takes no `preference`: its paper defines none. "
            f"Received: preference={preference!r}"
        )
    from mtl_keras.checks import number

    if not isinstance(preference, dict) or not preference:
        raise ValueError(
            "`preference` must be a dict of task name to positive number. "
            f"Received: preference={preference!r}"
        )
    return {
        task: number(f"preference[{task!r}]", value, above=0)
        for task, value in preference.items()
    }
