"""The contract of a balancer: what each method's file fills in."""

import abc

import keras
from keras import ops

from mtl_keras import checks
from mtl_keras.balancing import registry
from mtl_keras.balancing.reading import (
    finite,
    read_by_name,
    read_jacobian,
    read_tasks,
    read_vector,
)
from mtl_keras.balancing.step import Step
from mtl_keras.groups.members import abridged, by_member, check_known


class Balancer(abc.ABC):
    """Merges the tasks' losses or gradients into one update.

    `combine` and `head_weights` are pure: they compute from the losses and
    gradients they receive and the state so far, eagerly on a balancer without
    a model, from NumPy arrays as well as tensors. `update` alone moves the
    state. A training step combines first, then updates.

    Methods derive from one of its subclasses: a `WeightingBalancer` weighs the
    tasks' losses, a `GradientBalancer` weighs by the inner products of their
    gradients, and a `JacobianBalancer` merges the gradients themselves.

    A method with a state implements `initial_state(num_tasks)` and
    `_advance(step)`, of a `Step`: pure, of fixed shapes, in float32 and in
    `keras.ops`. An absent task takes no part in anything.

    Args:
        preference: Dict, task name to positive number, how much each task
            matters (1 where it is left out), or `None`; not every method
            takes one.
        monitor: Boolean, whether the logs show each task's weight and, where
            the method reads gradients, their norms and cosines.

    Attributes:
        when_to_use: String, a sentence or two for the page of all methods.
        levels: Tuple of strings, where the method is defined: `"losses"`, or
            some of `"parameters"`, `"features"` and `"last_shared"`; the first
            is the default.
        is_weighting: Boolean, whether the method has `weights`.
        is_scale_free: Boolean, whether `s * J` has the direction of `J`.
        is_conflict_free: Boolean, whether the direction never has a negative
            product with a row.
        is_equivariant: Boolean, whether the order of tasks does not matter.
        needs_losses: Boolean, whether the losses are read.
        needs_positive_losses: Boolean, whether a loss must be above zero.
        takes_preference: Boolean.
        reads_gradients: Boolean.
        most_tasks: Integer, the most tasks whose problem a step can solve;
            `None` for any number.
        is_fixed: Boolean, whether only the user changes the weights; the log
            `loss` is then the losses' sum with the weights of now, and else
            the plain sum.
    """

    when_to_use = ""
    levels: tuple[str, ...] = ("losses",)
    is_weighting = False
    is_scale_free = False
    is_conflict_free = False
    is_equivariant = True
    needs_losses = False
    needs_positive_losses = False
    takes_preference = False
    reads_gradients = False
    most_tasks: int | None = None
    is_fixed = False

    def __init__(self, *, preference=None, monitor: bool = False):
        self.tasks: tuple[str, ...] | None = None
        # The members of each group among them, by the group's name.
        self.groups: dict[str, tuple[str, ...]] = {}
        self.on = self.levels[0]
        # A weak reference to the model whose state this holds.
        self.owner = None
        self.monitor = checks.boolean("monitor", monitor)
        self.preference = _checked_preference(self, preference)
        self._variables: dict[str, keras.Variable] = {}
        self._num_tasks: int | None = None

    def __setattr__(self, name, value):
        """Refuses a change that a compiled step would not see."""
        cls = type(self)
        is_property = isinstance(getattr(cls, name, None), property)
        arguments = registry.hyperparameters(cls)
        if name == "task_weights" and not (is_property or name in arguments):
            raise AttributeError(
                f"{cls.__name__} has no weights to set: it computes them. "
                "Compile with loss_weights=1.0, or a dict of task name to "
                f"number, to change them. Received: task_weights={value!r}"
            )
        if (
            getattr(self, "tasks", None) is not None
            and not is_property
            and name in arguments
        ):
            raise AttributeError(
                f"`{name}` is read when a model is compiled; a change would "
                f"have no effect. Compile again with {cls.__name__}("
                f"{name}={value!r})."
            )
        super().__setattr__(name, value)

    # What a method fills in.

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array of a fixed shape.
        """
        return {}

    def _advance(self, step: Step) -> dict:
        """Computes the state after this step; pure."""
        return step.state

    @abc.abstractmethod
    def combine_rows(self, jacobian, losses=None, present=None):
        """Merges rows that `head_weights` multiplied already, as in a step.

        Args:
            jacobian: Float tensor of shape `(num_tasks, num_parameters)`.
            losses: As of `combine`.
            present: As of `combine`.

        Returns:
            float32 tensor of shape `(num_parameters,)`.
        """

    @abc.abstractmethod
    def head_weights(self, losses=None, present=None):
        """Computes what each task's loss is multiplied with at its head.

        Args:
            losses: Float tensor of shape `(num_tasks,)`.
            present: Tensor of shape `(num_tasks,)`, 0 for a task without
                labels in the batch. Defaults to `None`, all are present.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.
        """

    def on_epoch_end(self) -> None:
        """Does what a method does once an epoch; `fit` calls it."""
        return None

    # What users and engines call.

    def bind(self, tasks, num_parameters: int | None = None) -> None:
        """Fixes the order of the tasks and makes the state's variables.

        Args:
            tasks: Sequence of strings, sorted; row `k` of a Jacobian and
                entry `k` of the losses belong to `tasks[k]`.
            num_parameters: Integer, the size of the shared variables, for a
                method whose state depends on it.

        Raises:
            ValueError: If a `preference` names a task that does not exist.
        """
        tasks = tuple(tasks)
        check_known("preference", self.preference or (), tasks, self.groups)
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
        """The number of tasks of the state, unless a model named them."""
        return None if self.tasks is not None else self._num_tasks

    def combine(self, jacobian, losses=None, present=None):
        """Merges the tasks' gradients into one update direction.

        Args:
            jacobian: Float tensor of shape `(num_tasks, num_parameters)`; row
                `k` is the gradient of task `k`'s loss.
            losses: Float tensor of shape `(num_tasks,)`, or `None` where the
                method does not read them.
            present: Tensor of shape `(num_tasks,)`, 0 for a task without
                labels in the batch. Defaults to `None`, all are present.

        Returns:
            float32 tensor of shape `(num_parameters,)`, on the paper's scale.

        Raises:
            ValueError: If what the method reads is missing, or shapes
                disagree.
        """
        return self.combine_rows(read_jacobian(jacobian), losses, present)

    @abc.abstractmethod
    def update(self, gramian=None, losses=None, present=None, *, when=None):
        """Moves the state past a step; nothing else does.

        A step whose losses or gradients are not finite leaves it as it was.

        Args:
            gramian: Float tensor of shape `(num_tasks, num_tasks)`, where the
                method reads it.
            losses: As of `combine`.
            present: As of `combine`.
            when: Boolean scalar tensor, whether to move at all.
        """

    def state(self, num_tasks: int) -> dict:
        """Returns the state by name, as tensors.

        Args:
            num_tasks: Integer.
        """
        return self._tensors(num_tasks)

    def load_state(self, stored) -> None:
        """Restores the variables that a file holds; others stay.

        Args:
            stored: Mapping, variable name to array.
        """
        for variable in self.variables:
            if variable.name in stored:
                variable.assign(stored[variable.name])

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        config = {"monitor": self.monitor}
        if self.takes_preference:
            chosen = self.preference
            config["preference"] = None if chosen is None else dict(chosen)
        return config

    @classmethod
    def from_config(cls, config: dict) -> "Balancer":
        """Makes the balancer that `get_config` described."""
        return cls(**config)

    # Shared by the methods.

    def _read(self, losses, present, gradients=None):
        """Returns losses and presence as float32 vectors, one entry a task."""
        num_tasks = read_tasks(self, gradients, losses, present)
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
        return losses, present

    def _preferences(self, step: Step):
        """Returns the preference as a tensor of shape `(num_tasks,)`."""
        return self._by_task("preference", self.preference, step.num_tasks)

    def _by_task(self, argument: str, chosen, num_tasks: int):
        """Returns numbers by task's name as a vector, 1 where left out."""
        chosen = by_member(chosen or {}, self.groups)
        names = self.tasks if self.tasks is not None else sorted(chosen)
        if chosen and len(names) != num_tasks:
            raise ValueError(
                f"`{argument}` is of the tasks {abridged(names)}. Received: "
                f"losses or gradients of {num_tasks} tasks. Name each "
                "task, or compile a model with this balancer first."
            )
        values = [chosen.get(name, 1.0) for name in names] if chosen else None
        return ops.convert_to_tensor(
            values or [1.0] * num_tasks, dtype="float32"
        )

    def _first_state(self, *sizes) -> dict:
        """Returns the method's initial state, and what its kind adds to it."""
        return self.initial_state(*sizes)

    def _tensors(self, *sizes) -> dict:
        """Returns the variables as tensors; before, the initial state."""
        values = self._variables or self._first_state(*sizes)
        return {k: ops.convert_to_tensor(value) for k, value in values.items()}

    def _make_variables(self, *sizes):
        if self._variables:
            return
        self._num_tasks = sizes[0]
        for name, value in self._first_state(*sizes).items():
            self._variables[name] = keras.Variable(
                value,
                trainable=False,
                dtype=value.dtype.name,
                # Each replica computes the same new value.
                aggregation="only_first_replica",
                name=f"balancer_{name}",
            )

    def _move(self, step: Step, when, more=None):
        """Assigns the state after a step, unless the step is not finite."""
        if not self._variables:
            return
        state = {**self._advance(step), **(more or {})}
        inputs = (step.jacobian, step.gramian, step.halves, step.losses)
        is_sound = finite([t for t in inputs if t is not None])
        if when is not None:
            is_sound = ops.logical_and(is_sound, when)
        for name, variable in self._variables.items():
            old = ops.convert_to_tensor(variable)
            new = ops.cast(state[name], old.dtype)
            variable.assign(ops.where(is_sound, new, old))


def _checked_preference(balancer, preference):
    if preference is not None and not balancer.takes_preference:
        raise ValueError(
            f"{type(balancer).__name__} takes no `preference`: its paper "
            f"defines none. Received: preference={preference!r}"
        )
    return read_by_name("preference", preference)
