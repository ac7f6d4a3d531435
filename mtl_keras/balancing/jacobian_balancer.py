"""The contract of a balancer that merges the tasks' gradients themselves."""

import abc

from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientMethod
from mtl_keras.balancing.reading import read_jacobian
from mtl_keras.balancing.step import Step


class JacobianBalancer(GradientMethod):
    """Merges the rows of the Jacobian, not by inner products alone.

    It has no `weights`. A method implements `_merge(step)`, of a `Step` with
    its Jacobian, and, where it has a state,
    `initial_state(num_tasks, num_parameters)` and `_advance(step)`. One that
    is defined at the features implements `_merge_frontier` as well.

    Args:
        **kwargs: `on`, `rescale` and `task_weights`, as of `GradientMethod`;
            `preference` and `monitor`, as of `Balancer`. The rows are needed
            at each step, so that `update_every` must be 1 or left out.

    Attributes:
        takes_turns: Boolean, whether a step needs the gradient of one task
            alone, which `turn(present)` chooses; the other rows are 0.
    """

    takes_turns = False

    def __init__(self, **kwargs):
        # Not in the signature: it is not a hyperparameter to set or search.
        update_every = kwargs.pop("update_every", 1)
        super().__init__(**kwargs)
        self._num_parameters: int | None = None
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
        return {}

    @abc.abstractmethod
    def _merge(self, step: Step):
        """Computes the direction, shape `(num_parameters,)`; pure."""

    def _merge_frontier(self, step: Step) -> list:
        """Computes one gradient for each `FrontierTensor` of a step; pure."""
        raise NotImplementedError(
            f"{type(self).__name__} is defined at 'features' and must "
            "implement `_merge_frontier`."
        )

    def bind(self, tasks, num_parameters: int | None = None) -> None:
        """Fixes the order of the tasks and makes the state's variables.

        Args:
            tasks: Sequence of strings, sorted.
            num_parameters: Integer, the size of the shared variables; `None`
                leaves the state to the first `update`.
        """
        if self._num_parameters != num_parameters:
            self._variables = {}
        self._num_parameters = num_parameters
        super().bind(tasks, num_parameters)

    def combine_rows(self, jacobian, losses=None, present=None):
        """Merges rows that `head_weights` multiplied already, as in a step.

        Args:
            jacobian: Float tensor of shape `(num_tasks, num_parameters)`.
            losses: As of `combine`.
            present: As of `combine`.

        Returns:
            float32 tensor of shape `(num_parameters,)`.
        """
        step = self._step(jacobian, losses, present)
        direction = self._merge(step)
        if self.rescale is None:
            return direction
        plain = ops.norm(ops.sum(step.jacobian, axis=0))
        own = ops.norm(direction)
        return direction * ops.where(
            own > 0, plain / ops.where(own > 0, own, 1.0), 1.0
        )

    def combine_frontier(self, frontier, losses=None, present=None) -> list:
        """Merges the tasks' gradients of the tensors that heads read.

        Args:
            frontier: Sequence of `FrontierTensor`.
            losses: As of `combine`.
            present: As of `combine`.

        Returns:
            List of tensors, one gradient for each, of its shape and type.
        """
        losses, present = self._read(losses, present)
        # A state of this level has no entry for each parameter.
        state = self.state(present.shape[0], 1)
        step = Step(state, present, losses, frontier=tuple(frontier))
        return self._merge_frontier(step)

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
            present: As of `combine`.
            when: Boolean scalar tensor, whether to move at all.
            jacobian: As of `combine_rows`.
        """
        step = self._step(jacobian, losses, present)
        self._make_variables(*step.jacobian.shape)
        self._move(step, when)

    def state(self, num_tasks: int, num_parameters: int) -> dict:
        """Returns the state by name, as tensors.

        Args:
            num_tasks: Integer.
            num_parameters: Integer.
        """
        return self._tensors(num_tasks, num_parameters)

    def _make_variables(self, num_tasks, num_parameters=None):
        num_parameters = num_parameters or self._num_parameters
        if num_parameters is not None:
            super()._make_variables(num_tasks, num_parameters)

    def _step(self, jacobian, losses, present) -> Step:
        jacobian = read_jacobian(jacobian)
        losses, present = self._read(losses, present, jacobian)
        jacobian = ops.where(present[:, None] > 0, jacobian, 0.0)
        state = self.state(*jacobian.shape)
        return Step(state, present, losses, jacobian=jacobian)
