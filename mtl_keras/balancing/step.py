"""What a balancing method reads of one training step."""

import dataclasses
from collections.abc import Callable
from typing import Any

Tensor = Any


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """The state before a step, and the step's losses and gradients.

    All tensors are float32 and of fixed shapes. An absent task, one without
    labels in the batch, has 0 in `present`, a loss of 0 and gradients of 0.

    Attributes:
        state: Dict, name to tensor, as of `Balancer.initial_state`.
        present: Tensor of shape `(num_tasks,)`, 1, and 0 for an absent task.
        losses: Tensor of shape `(num_tasks,)`, or `None` where the method
            does not need them and the caller has none.
        gramian: Tensor of shape `(num_tasks, num_tasks)`, the inner products
            of the tasks' gradients; `None` of a method that reads the
            Jacobian, or no gradients.
        halves: Tensor of shape `(2 * num_tasks, 2 * num_tasks)`, for a method
            with `needs_halves`: the inner products of the gradients of one
            half of the batch, then of the other half, each an estimate of the
            whole's. Where the caller has no halves, the batch is both.
        jacobian: Tensor of shape `(num_tasks, num_parameters)`, for a
            `JacobianBalancer` at the parameters, else `None`.
        frontier: Tuple of `FrontierTensor`, what the heads read, for a
            `JacobianBalancer` at the features; else empty.
    """

    state: dict[str, Tensor]
    present: Tensor
    losses: Tensor | None = None
    gramian: Tensor | None = None
    halves: Tensor | None = None
    jacobian: Tensor | None = None
    frontier: tuple["FrontierTensor", ...] = ()

    @property
    def num_tasks(self) -> int:
        """The number of tasks, the absent ones included."""
        return self.present.shape[0]

    @property
    def cross(self):
        """The products of one half's gradients with those of the other.

        Unlike the Gramian's, they carry no bias by the gradients' noise: it is
        independent in the two halves.
        """
        size = self.num_tasks
        return self.halves[:size, size:]


@dataclasses.dataclass(frozen=True, eq=False)
class FrontierTensor:
    """A tensor that heads read, with the gradient of each task there.

    Attributes:
        values: Tensor, of any float type; this replica's part of the batch.
        gradients: List of tensors of its shape, one for each task that reads
            it.
        example_axes: Tuple of integers, the axes whose size varies: the batch,
            and the places of a sentence.
        sum_over_replicas: Function of a list of tensors of one shape; returns
            their sums over the replicas that run this step.
    """

    values: Tensor
    gradients: list[Tensor]
    example_axes: tuple[int, ...]
    sum_over_replicas: Callable[[list], list]
