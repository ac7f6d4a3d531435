"""The contract of a balancer."""

import abc


class Balancer(abc.ABC):
    """Weighs the tasks of a model, from their losses.

    `compile(loss_weights=...)` binds a balancer to the model's tasks; each
    step then asks for `weights` and minimises the weighted sum. Both
    `weights` and `combine` are pure: they work eagerly on a balancer that no
    model has seen, and take NumPy arrays as well as tensors.
    """

    def __init__(self):
        self.tasks: tuple[str, ...] | None = None

    def bind(self, tasks) -> None:
        """Fixes the order of the tasks.

        Args:
            tasks: Sequence of strings, sorted; row `k` of a Jacobian and
                entry `k` of the losses belong to `tasks[k]`.

        Raises:
            ValueError: If this balancer speaks of a task that isn't there.
        """
        self.tasks = tuple(tasks)

    @abc.abstractmethod
    def weights(self, gramian=None, losses=None):
        """Computes the tasks' weights.

        Args:
            gramian: Float tensor of shape `(num_tasks, num_tasks)`, the inner
                products of the tasks' gradients, where the method reads them.
            losses: Float tensor of shape `(num_tasks,)`.

        Returns:
            Float tensor of shape `(num_tasks,)`.
        """

    def combine(self, jacobian, losses=None):
        """Merges the tasks' gradients into one update direction.

        Args:
            jacobian: Float tensor of shape `(num_tasks, num_parameters)`; row
                `k` is the gradient of task `k`'s loss.
            losses: Float tensor of shape `(num_tasks,)`, or `None`.

        Returns:
            Float tensor of shape `(num_parameters,)`.
        """
        from keras import ops

        jacobian = ops.convert_to_tensor(jacobian, dtype="float32")
        gramian = ops.matmul(jacobian, ops.transpose(jacobian))
        weights = self.weights(gramian=gramian, losses=losses)
        return ops.matmul(weights, jacobian)

    @abc.abstractmethod
    def get_config(self) -> dict:
        """Returns the constructor's arguments."""

    @classmethod
    def from_config(cls, config: dict) -> "Balancer":
        """Makes the balancer that `get_config` described."""
        return cls(**config)
