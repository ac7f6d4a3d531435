"""The contract of a balancer that keeps a state of every parameter."""

import abc

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.reading import read_jacobian


class JacobianBalancer(GradientBalancer):
    """Merges the rows of the Jacobian themselves, not by inner products alone.

    A method implements `_merge(state, jacobian, losses, present)`, which
    returns the direction, and, where it has a state,
    `initial_state(num_tasks, num_parameters)` and
    `_advance_rows(state, jacobian, losses, present)`. Row `k` of an absent
    task is zero.

    Args:
        **kwargs: As of `GradientBalancer`, without `update_every`: the rows
            are needed at each step.
    """

    levels = ("parameters",)

    def __init__(self, *, update_every: int = 1, **kwargs):
        super().__init__(**kwargs)
        if update_every != 1:
            raise ValueError(
                f"{type(self).__name__} reads the gradients at each step, so "
                "that `update_every` must be 1. "
                f"Received: update_every={update_every!r}"
            )

    def initial_state(self, num_tasks: int, num_parameters: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.
            num_parameters: Integer, how many numbers a row holds.

        Returns:
            Dict, name to NumPy array of a fixed shape.
        """
        del num_tasks, num_parameters
        return {}

    @abc.abstractmethod
    def _merge(self, state, jacobian, losses, present):
        """Computes the direction, shape `(num_parameters,)`; pure."""

    def _advance_rows(self, state, jacobian, losses, present) -> dict:
        """Computes the state after this step; pure."""
        del jacobian, losses, present
        return state

    def _weigh(self, state, gramian, losses, present):
        del state, gramian, losses, present
        raise ValueError(
            f"{type(self).__name__} is no weighting: it reads the gradients "
            "themselves. Call combine(jacobian, losses)."
        )

    def weights(self, gramian=None, losses=None, present=None):
        """Refuses: the method has no weights.

        Args:
            gramian: Not read.
            losses: Not read.
            present: Not read.

        Raises:
            ValueError: Always.
        """
        return self._weigh({}, gramian, losses, present)

    def bind(self, tasks, num_parameters: int | None = None) -> None:
        """Fixes the order of the tasks and makes the state's variables.

        Args:
            tasks: Sequence of strings, sorted.
            num_parameters: Integer, the size of the shared variables; `None`
                leaves the state to the first `update`.
        """
        is_other = num_parameters != getattr(self, "_num_parameters", None)
        if self.tasks != tuple(tasks) or is_other:
            self._variables = {}
        self._num_parameters = num_parameters
        super().bind(tasks)

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
        return self.combine_rows(jacobian, losses, present)

    def combine_rows(self, jacobian, losses=None, present=None):
        """Merges rows that `head_weights` multiplied already, as in a step.

        Args:
            jacobian: Float tensor of shape `(num_tasks, num_parameters)`.
            losses: As of `combine`.
            present: As of `combine`.

        Returns:
            float32 tensor of shape `(num_parameters,)`.
        """
        jacobian, losses, present = self._read_rows(jacobian, losses, present)
        state = self.state(*jacobian.shape)
        direction = self._merge(state, jacobian, losses, present)
        if self.rescale is None:
            return direction
        plain = ops.norm(ops.sum(jacobian, axis=0))
        own = ops.norm(direction)
        return direction * ops.where(
            own > 0, plain / ops.where(own > 0, own, 1.0), 1.0
        )

    def update(
        self,
        gramian=None,
        losses=None,
        present=None,
        *,
        when=None,
        jacobian=None,
    ):
        """Moves the state past a step.

        Args:
            gramian: Not read.
            losses: As of `combine`.
            present: As of `weights`.
            when: Boolean scalar tensor, whether to move at all.
            jacobian: As of `combine_rows`.
        """
        del gramian
        jacobian, losses, present = self._read_rows(jacobian, losses, present)
        self._make_variables(*jacobian.shape)
        if self._variables:
            state = self.state(*jacobian.shape)
            new = self._advance_rows(state, jacobian, losses, present)
            self._commit(new, (jacobian, losses), when)

    def state(self, num_tasks: int, num_parameters: int) -> dict:
        """Returns the state by name, as tensors.

        Args:
            num_tasks: Integer.
            num_parameters: Integer.
        """
        if self._variables:
            return super().state(num_tasks)
        return {
            name: ops.convert_to_tensor(value)
            for name, value in self.initial_state(
                num_tasks, num_parameters
            ).items()
        }

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["update_every"]
        return config

    def _make_variables(self, num_tasks, num_parameters=None):
        num_parameters = num_parameters or getattr(
            self, "_num_parameters", None
        )
        if self._variables or num_parameters is None:
            return
        self._num_tasks = num_tasks
        initial = self.initial_state(num_tasks, num_parameters)
        for name, value in initial.items():
            self._variables[name] = keras.Variable(
                value,
                trainable=False,
                dtype=value.dtype.name,
                aggregation="only_first_replica",
                name=f"balancer_{name}",
            )

    def _read_rows(self, jacobian, losses, present):
        if jacobian is None:
            raise ValueError(
                f"{type(self).__name__} reads the tasks' gradients. Received: "
                "jacobian=None. Pass a tensor of shape "
                "(num_tasks, num_parameters)."
            )
        jacobian = ops.convert_to_tensor(jacobian, dtype="float32")
        # The Gramian's place is taken by one that nothing reads.
        stand_in = np.zeros((jacobian.shape[0],) * 2, "float32")
        _, losses, present = self._read(stand_in, losses, present)
        rows = ops.where(present[:, None] > 0, jacobian, 0.0)
        return rows, losses, present
