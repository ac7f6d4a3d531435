"""What all methods share that read the tasks' gradients."""

from mtl_keras.balancing.balancer import Balancer
from mtl_keras.balancing.reading import read_jacobian
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
        self, *, on: str | None = None, rescale: str | None = None, **kwargs
    ):
        super().__init__(**kwargs)
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
        """Returns what each task's loss is multiplied with at its head: 1.

        Args:
            losses: Float tensor of shape `(num_tasks,)`.
            present: Tensor of shape `(num_tasks,)`, 0 for a task without
                labels in the batch. Defaults to `None`, all are present.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.
        """
        return self._read(losses, present)[1]

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
        if self.weighs_heads():
            if present is None:
                # The rows' number is the tasks', even without losses.
                present = [1.0] * jacobian.shape[0]
            scales = self.head_weights(losses, present)
            jacobian = scales[:, None] * jacobian
        return self.combine_rows(jacobian, losses, present)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        config = super().get_config()
        return {**config, "on": self.on, "rescale": self.rescale}
