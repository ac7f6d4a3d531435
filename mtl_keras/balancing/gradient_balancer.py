"""The contract of a balancer that weighs tasks by their gradients."""

import dataclasses

import keras
import numpy as np
from keras import ops

from mtl_keras import checks
from mtl_keras.balancing.gradient_method import GradientMethod
from mtl_keras.balancing.reading import finite
from mtl_keras.balancing.step import Step
from mtl_keras.balancing.weighting_balancer import WeightingBalancer


class GradientBalancer(GradientMethod, WeightingBalancer):
    """Weighs the tasks by the inner products of their gradients.

    A method implements `_weigh(step)`, of a `Step` with its Gramian.

    Args:
        update_every: Integer of at least 1: the weights are computed anew at
            each such step and reused in between.
        **kwargs: `on` and `rescale`, as of `GradientMethod`; `preference` and
            `monitor`, as of `Balancer`.

    Raises:
        ValueError: If the method is not defined at that level, or another
            argument is out of range.
    """

    levels = ("parameters", "features", "last_shared")
    # Whether `weights` takes many small operations one after the other, which
    # a backend that runs them singly should compile.
    solves_in_steps = False

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

    def weights(self, gramian=None, losses=None, present=None):
        """Computes the tasks' weights for this batch.

        Args:
            gramian: Float tensor of shape `(num_tasks, num_tasks)`, the inner
                products of the tasks' gradients, of losses multiplied by
                `head_weights`.
            losses: Float tensor of shape `(num_tasks,)`, where the method
                reads them.
            present: Tensor of shape `(num_tasks,)`, 0 for a task without
                labels in the batch. Defaults to `None`, all are present.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.

        Raises:
            ValueError: If what the method reads is missing, or shapes
                disagree.
        """
        step = self._step(gramian, losses, present)
        gramian, present = step.gramian, step.present
        # Decompositions raise on what is not finite, on TensorFlow; a step
        # that overflowed is the optimizer's to skip, or the user's to see.
        is_sound = finite([gramian])
        has_task = ops.any(present > 0)
        stand_in = ops.eye(step.num_tasks, dtype="float32")
        is_solvable = ops.logical_and(is_sound, has_task)
        solvable = dataclasses.replace(
            step,
            gramian=ops.where(is_solvable, gramian, stand_in),
            # Without any task the weights are zero; the solver is still run.
            present=ops.where(has_task, present, 1.0),
        )
        weights = ops.where(solvable.present > 0, self._weigh(solvable), 0.0)
        weights = ops.where(is_sound, weights, float("nan")) * present
        if self.rescale is None:
            return weights
        # The length first of each, then their ratio: a product of two
        # Gramians would leave float32's range.
        plain = _length(gramian, present)
        own = _length(gramian, weights)
        return weights * ops.where(
            own > 0, plain / ops.where(own > 0, own, 1.0), 1.0
        )

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "update_every": self.update_every}

    def _step(self, gramian, losses, present) -> Step:
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
        return super()._step(gramian, losses, present)


def _length(gramian, weights):
    product = ops.sum(weights * ops.matmul(gramian, weights[:, None])[:, 0])
    return ops.sqrt(ops.maximum(product, 0.0))
