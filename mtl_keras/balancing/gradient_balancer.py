"""The contract of a balancer that weighs tasks by their gradients.

And, in `GradientMethod`, what it shares with `JacobianBalancer`.
"""

import dataclasses

import keras
import numpy as np
from keras import ops

from mtl_keras import checks
from mtl_keras.balancing.balancer import Balancer
from mtl_keras.balancing.reading import (
    finite,
    gramian_lengths,
    read_by_name,
    read_jacobian,
    row_lengths,
    warn_of_lengths,
)
from mtl_keras.balancing.step import Step
from mtl_keras.balancing.weighting_balancer import WeightingBalancer
from mtl_keras.groups.members import check_known
from mtl_keras.messages import did_you_mean, listed


class GradientMethod(Balancer):
    """Reads the tasks' gradients at one level of the model.

    A method derives from `GradientBalancer` or from `JacobianBalancer`.

    Args:
        on: String, the level at which gradients are compared. `"parameters"`,
            the shared variables, exact, one backward pass through the trunk
            for each task; `"features"`, where the heads read the trunk, for
            the cost of a plain step; `"last_shared"`, the last shared layer.
            Defaults to the paper's, the first of `levels`.
        rescale: `None` for the paper's length of the direction, or `"sum"`
            for that of the plain sum of the gradients.
        task_weights: Dict, task name to positive number that the task's loss
            is multiplied with before anything else, 1 where it is left out,
            or `None`. The rows of the Jacobian are scaled before they are
            combined, and so are the heads' gradients and the losses that the
            method reads. A method that divides a row's length or a loss out
            again gives the same direction as without.
        **kwargs: `preference` and `monitor`, as of `Balancer`.

    Raises:
        ValueError: If the method is not defined at that level, or `rescale`
            is something else.
    """

    levels = ("parameters",)
    is_scale_free = True
    reads_gradients = True
    # Exact at each step; a `GradientBalancer` may reuse its weights instead.
    update_every = 1
    step_counter = None

    def __init__(
        self,
        *,
        on: str | None = None,
        rescale: str | None = None,
        task_weights=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.task_weights = read_by_name("task_weights", task_weights)
        if on is not None and on not in self.levels:
            raise ValueError(
                f"{type(self).__name__} is defined at {listed(self.levels)}, "
                f"not at {on!r}.{did_you_mean(on, self.levels)} "
                f"Received: on={on!r}"
            )
        self.on = self.levels[0] if on is None else on
        if rescale not in (None, "sum"):
            raise ValueError(
                "`rescale` must be None, the paper's length, or 'sum', that "
                f"of the plain sum. Received: rescale={rescale!r}"
            )
        self.rescale = rescale

    @classmethod
    def weighs_heads(cls) -> bool:
        """Tells whether the heads' losses are weighted as well."""
        return cls.head_weights is not GradientMethod.head_weights

    def head_weights(self, losses=None, present=None):
        """Returns what each task's loss is multiplied with: `task_weights`.

        Args:
            losses: Float tensor of shape `(num_tasks,)`.
            present: Tensor of shape `(num_tasks,)`, 0 for a task without
                labels in the batch. Defaults to `None`, all are present.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.
        """
        present = self._read(losses, present)[1]
        return present * self._fixed_weights(present.shape[0])

    def bind(self, tasks, num_parameters: int | None = None) -> None:
        """Fixes the order of the tasks and makes the state's variables.

        Args:
            tasks: Sequence of strings, sorted.
            num_parameters: Integer, the size of the shared variables.

        Raises:
            ValueError: If an argument names a task that does not exist.
        """
        check_known(
            "task_weights", self.task_weights or (), tuple(tasks), self.groups
        )
        super().bind(tasks, num_parameters)

    def combine(self, jacobian, losses=None, present=None):
        """Merges the tasks' gradients into one update direction.

        Args:
            jacobian: Float tensor of shape `(num_tasks, num_parameters)`; row
                `k` is the gradient of task `k`'s loss.
            losses: Float tensor of shape `(num_tasks,)`, or `None` where the
                method does not read them.
            present: As of `head_weights`.

        Returns:
            float32 tensor of shape `(num_parameters,)`, on the paper's scale.
        """
        jacobian = read_jacobian(jacobian)
        warn_of_lengths(self, row_lengths(jacobian), present)
        if self.weighs_heads() or self.task_weights:
            if present is None:
                # The rows' number is the tasks', even without losses.
                present = [1.0] * jacobian.shape[0]
            scales = self.head_weights(losses, present)
            jacobian = scales[:, None] * jacobian
        return self.combine_rows(jacobian, losses, present)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        chosen = self.task_weights
        return {
            **super().get_config(),
            "on": self.on,
            "rescale": self.rescale,
            "task_weights": None if chosen is None else dict(chosen),
        }

    def _fixed_weights(self, num_tasks: int):
        return self._by_task("task_weights", self.task_weights, num_tasks)

    def _read(self, losses, present, gradients=None):
        losses, present = super()._read(losses, present, gradients)
        if losses is not None and self.task_weights:
            losses = losses * self._fixed_weights(present.shape[0])
        return losses, present


class GradientBalancer(GradientMethod, WeightingBalancer):
    """Weighs the tasks by the inner products of their gradients.

    A method implements `_weigh(step)`, of a `Step` with its Gramian.

    Args:
        update_every: Integer of at least 1: the weights are computed anew at
            each such step and reused in between.
        **kwargs: `on`, `rescale` and `task_weights`, as of `GradientMethod`;
            `smoothing`, as of `WeightingBalancer`; `preference` and
            `monitor`, as of `Balancer`.

    Raises:
        ValueError: If the method is not defined at that level, or another
            argument is out of range.
    """

    levels = ("parameters", "features", "last_shared")
    # Whether `weights` takes many small operations one after the other, which
    # a backend that runs them singly should compile.
    solves_in_steps = False
    # Whether `weights` reads the gradients of two halves of the batch.
    needs_halves = False

    def __init__(self, *, update_every: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.update_every = checks.integer("update_every", update_every, low=1)
        self._held: list[keras.Variable] = []

    def bind(self, tasks, num_parameters: int | None = None) -> None:
        """Fixes the order of the tasks and makes the state's variables.

        Args:
            tasks: Sequence of strings, sorted.
            num_parameters: Integer, the size of the shared variables.
        """
        if self.tasks != tuple(tasks):
            self._held = []
        super().bind(tasks, num_parameters)
        if self.update_every > 1 and not self._held:
            options = {"trainable": False, "aggregation": "only_first_replica"}
            self._held = [
                keras.Variable(
                    np.ones(len(self.tasks), "float32"),
                    name="balancer_held_weights",
                    **options,
                ),
                keras.Variable(
                    np.zeros((), "int32"),
                    dtype="int32",
                    name="balancer_held_steps",
                    **options,
                ),
            ]

    @property
    def variables(self) -> list[keras.Variable]:
        """The state, in a fixed order; saved with the model."""
        return [*super().variables, *self._held]

    @property
    def step_counter(self):
        """The variable that counts steps; `None` where each is exact."""
        return self._held[1] if self._held else None

    def is_due(self):
        """Tells whether this step computes the weights anew.

        Returns:
            Boolean scalar tensor.
        """
        if not self._held:
            return ops.convert_to_tensor(True)
        steps = ops.convert_to_tensor(self._held[1])
        return ops.equal(steps % self.update_every, 0)

    def held_weights(self):
        """Returns the weights of the last exact step.

        Returns:
            float32 tensor of shape `(num_tasks,)`.
        """
        return ops.convert_to_tensor(self._held[0])

    def hold(self, weights, present, when) -> None:
        """Keeps an exact step's weights for the steps until the next one.

        Args:
            weights: float32 tensor of shape `(num_tasks,)`.
            present: float32 tensor of that shape, 0 for an absent task.
            when: Boolean scalar tensor, whether the step was exact.
        """
        if not self._held:
            return
        held, steps = self._held
        is_sound = ops.logical_and(when, ops.all(ops.isfinite(weights)))
        # A task that was absent keeps the weight it had.
        is_sound = ops.logical_and(is_sound, present > 0)
        old = ops.convert_to_tensor(held)
        held.assign(ops.where(is_sound, weights, old))
        steps.assign(steps + 1)

    def weights(self, gramian=None, losses=None, present=None, halves=None):
        """Computes the tasks' weights for this batch.

        Args:
            gramian: Float tensor of shape `(num_tasks, num_tasks)`, the inner
                products of the tasks' gradients, of losses multiplied by
                `head_weights`.
            losses: Float tensor of shape `(num_tasks,)`, where the method
                reads them.
            present: Tensor of shape `(num_tasks,)`, 0 for a task without
                labels in the batch. Defaults to `None`, all are present.
            halves: Float tensor of shape `(2 * num_tasks, 2 * num_tasks)`, as
                of `Step`, for a method that reads two halves of a batch;
                `None` where the batch stands for both.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.

        Raises:
            ValueError: If what the method reads is missing, or shapes
                disagree.
        """
        step = self._step(gramian, losses, present, halves)
        warn_of_lengths(self, gramian_lengths(step.gramian))
        return self._weights_of(step)

    def _weights_of(self, step):
        gramian, present = step.gramian, step.present
        # Decompositions raise on what is not finite, on TensorFlow; a step
        # that overflowed is the optimizer's to skip, or the user's to see.
        is_sound = finite([gramian])
        halves = step.halves
        if halves is not None:
            is_sound = ops.logical_and(is_sound, finite([halves]))
        has_task = ops.any(present > 0)
        stand_in = ops.eye(step.num_tasks, dtype="float32")
        is_solvable = ops.logical_and(is_sound, has_task)
        if halves is not None:
            halves = ops.where(is_solvable, halves, _as_halves(stand_in))
        solvable = dataclasses.replace(
            step,
            gramian=ops.where(is_solvable, gramian, stand_in),
            halves=halves,
            # Without any task the weights are zero; the solver is still run.
            present=ops.where(has_task, present, 1.0),
        )
        weights = ops.where(solvable.present > 0, self._weigh(solvable), 0.0)
        weights = ops.where(is_sound, weights, float("nan")) * present
        if self.rescale is not None:
            # The length first of each, then their ratio: a product of two
            # Gramians would leave float32's range.
            plain = _length(gramian, present)
            own = _length(gramian, weights)
            weights = weights * ops.where(
                own > 0, plain / ops.where(own > 0, own, 1.0), 1.0
            )
        return self._smoothed(weights, step)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "update_every": self.update_every}

    def _step(self, gramian, losses, present, halves=None) -> Step:
        if gramian is None:
            raise ValueError(
                f"{type(self).__name__} reads the tasks' gradients. Received: "
                "gramian=None. Pass their Gramian, of shape "
                "(num_tasks, num_tasks)."
            )
        shape = tuple(ops.convert_to_tensor(gramian).shape)
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(
                "`gramian` must be of shape (num_tasks, num_tasks). "
                f"Received: shape {shape}"
            )
        step = super()._step(gramian, losses, present)
        if not self.needs_halves:
            return step
        if halves is None:
            return dataclasses.replace(step, halves=_as_halves(step.gramian))
        both = ops.concatenate([step.present, step.present])
        both = ops.outer(both, both)
        halves = ops.cast(ops.convert_to_tensor(halves), "float32")
        return dataclasses.replace(
            step, halves=ops.where(both > 0, halves, 0.0)
        )


def _length(gramian, weights):
    product = ops.sum(weights * ops.matmul(gramian, weights[:, None])[:, 0])
    return ops.sqrt(ops.maximum(product, 0.0))


def _as_halves(gramian):
    return ops.tile(gramian, (2, 2))
