"""The contract of a balancer that reads the tasks' gradients."""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.balancer import Balancer
from mtl_keras.balancing.reading import finite, read_jacobian
from mtl_keras.checks import number
from mtl_keras.messages import did_you_mean, listed

_EVERYWHERE = ("parameters", "features", "last_shared")


class GradientBalancer(Balancer):
    """Weighs the tasks by the inner products of their gradients.

    Args:
        on: String, the level at which gradients are compared. `"parameters"`,
            the shared variables, exact, one backward pass through the trunk
            for each task; `"features"`, where the heads read the trunk, for
            the cost of a plain step; `"last_shared"`, the last shared layer.
            Defaults to the paper's, the first of `levels`.
        update_every: Integer of at least 1: the weights are computed anew at
            each such step and reused in between.
        rescale: `None` for the paper's length of the direction, or `"sum"`
            for that of the plain sum of the gradients.
        preference: Dict, task name to positive number, or `None`.
        monitor: Boolean, whether the logs show weights, norms and cosines.

    Raises:
        ValueError: If the method is not defined at that level, or another
            argument is out of range.
    """

    levels = _EVERYWHERE
    is_scale_free = True
    reads_gradients = True
    # Whether `weights` takes many small operations one after the other, which
    # a backend that runs them singly should compile.
    solves_in_steps = False

    def __init__(
        self,
        *,
        on: str | None = None,
        update_every: int = 1,
        rescale: str | None = None,
        preference=None,
        monitor: bool = False,
    ):
        super().__init__(preference=preference, monitor=monitor)
        name = type(self).__name__
        if on is not None and on not in self.levels:
            raise ValueError(
                f"{name} is defined at {listed(self.levels)}, not at "
                f"{on!r}.{did_you_mean(on, self.levels)} Received: on={on!r}"
            )
        self.on = self.levels[0] if on is None else on
        self.update_every = int(number("update_every", update_every, low=1))
        if self.update_every != update_every:
            raise ValueError(
                "`update_every` must be a whole number of steps. "
                f"Received: update_every={update_every!r}"
            )
        if rescale not in (None, "sum"):
            raise ValueError(
                "`rescale` must be None, the paper's length, or 'sum', that "
                f"of the plain sum. Received: rescale={rescale!r}"
            )
        self.rescale = rescale
        self._held: list[keras.Variable] = []

    def bind(self, tasks) -> None:
        """Fixes the order of the tasks and makes the state's variables.

        Args:
            tasks: Sequence of strings, sorted.
        """
        if self.tasks != tuple(tasks):
            self._held = []
        super().bind(tasks)
        if self.update_every > 1 and not self._held:
            kept = {"trainable": False, "aggregation": "only_first_replica"}
            self._held = [
                keras.Variable(
                    np.ones(len(self.tasks), "float32"),
                    name="balancer_held_weights",
                    **kept,
                ),
                keras.Variable(
                    np.zeros((), "int32"),
                    dtype="int32",
                    name="balancer_held_steps",
                    **kept,
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
                labels in the batch. Defaults to `None`, all are there.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.

        Raises:
            ValueError: If what the method reads is not given, or shapes
                disagree.
        """
        gramian, losses, present = self._read(gramian, losses, present)
        # Decompositions raise on what is not finite, on TensorFlow; a step
        # that overflowed is the optimizer's to skip, or the user's to see.
        is_sound = finite([gramian])
        has_task = ops.any(present > 0)
        stand_in = ops.eye(present.shape[0], dtype="float32")
        solvable = ops.logical_and(is_sound, has_task)
        given = ops.where(solvable, gramian, stand_in)
        # Without any task the answer is zero, and nothing to be solved.
        seen = ops.where(has_task, present, 1.0)
        weights = super().weights(given, losses, seen)
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

    def head_weights(self, losses=None, present=None):
        """Returns what each task's loss is multiplied with at its head: 1.

        Args:
            losses: Float tensor of shape `(num_tasks,)`.
            present: As of `weights`.

        Returns:
            float32 tensor of shape `(num_tasks,)`.
        """
        _, _, present = super()._read(None, losses, present)
        return present

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
        scales = self._row_scales(losses, present, jacobian.shape[0])
        if scales is not None:
            jacobian = scales[:, None] * jacobian
        return super().combine(jacobian, losses, present)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "on": self.on,
            "update_every": self.update_every,
            "rescale": self.rescale,
        }

    def _row_scales(self, losses, present, num_tasks):
        """Returns what `head_weights` makes of the rows, or `None`.

        Args:
            losses: Tensor of shape `(num_tasks,)`, or `None`.
            present: Likewise.
            num_tasks: Integer.
        """
        if type(self).head_weights is GradientBalancer.head_weights:
            return None
        if present is None:
            present = np.ones(num_tasks, "float32")
        return self.head_weights(losses, present)

    def _read(self, gramian, losses, present):
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
        return super()._read(gramian, losses, present)


def _length(gramian, weights):
    product = ops.sum(weights * ops.matmul(gramian, weights[:, None])[:, 0])
    return ops.sqrt(ops.maximum(product, 0.0))
