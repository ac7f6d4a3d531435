"""M-ConFIG: ConFIG on a momentum of each task's gradient.

Liu et al., ICLR 2025, https://arxiv.org/abs/2408.11104.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.jacobian_balancer import JacobianBalancer
from mtl_keras.balancing.moments import root_of_squares, share_of_data
from mtl_keras.balancing.solvers.equal_cosines import equal_cosines
from mtl_keras.balancing.solvers.interior_point import sound
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class MConFIG(JacobianBalancer):
    """Takes ConFIG's direction of averaged gradients, one new one a step.

    Each step `t` computes the gradient of one task alone, that of the fewest
    steps so far among those with labels, so that a step costs what a plain
    one does:

        momentum[k] = beta_1 * momentum[k] + (1 - beta_1) * J[k]
        d = config(momentum / (1 - beta_1 ** counts))
        f = (d * (1 - beta_1 ** t) - beta_1 * last) / (1 - beta_1)
        square = beta_2 * square + (1 - beta_2) * f ** 2

    with `last` the `d * (1 - beta_1 ** t)` of the step before. The direction
    is `d`, for an optimizer with a second moment of its own, such as Adam.
    With `beta_2` it is `d / sqrt(square / (1 - beta_2 ** t))`, an Adam step
    whose first moment is free of conflicts; train with `keras.optimizers.SGD`
    without momentum then, as in the paper.

    A task whose gradient has not been computed yet takes no part, nor does
    one without labels in the batch. Momenta of zero take no part, and equal
    and opposite ones cancel, as in `config`.

    Args:
        beta_1: Float in [0, 1), of the momentum. Defaults to 0.9.
        beta_2: Float in [0, 1), of the second moment, or `None` for none.
            Defaults to `None`; the paper's is 0.999.
        on: `"parameters"`, the only level.
        task_weights: As of `GradientMethod`.
        monitor: Boolean, whether the logs show the gradients' norms; at each
            step that of one task alone is known, so that cosines are NaN.

    Note:
        The authors' code gives a direction of zero until each task has had
        its turn, and adds 1e-8 to the root; here the tasks that had theirs
        train, and the root gets 1e-8 of its greatest entry, so that the scale
        of the losses does not matter. The state is as large as the Jacobian
        and two gradients.
    """

    when_to_use = (
        "ConFIG at the cost of a plain step: many tasks that must improve at "
        "the same rate."
    )
    is_scale_free = True
    # The first task by name has the first turn.
    is_equivariant = False
    takes_turns = True

    def __init__(
        self,
        beta_1: float = 0.9,
        beta_2: float | None = None,
        *,
        on: str | None = None,
        task_weights=None,
        monitor: bool = False,
    ):
        # `rescale` is left out: no step knows the sum of the gradients.
        super().__init__(on=on, task_weights=task_weights, monitor=monitor)
        self.beta_1 = number("beta_1", beta_1, low=0, below=1)
        self.beta_2 = beta_2
        if beta_2 is not None:
            self.beta_2 = number("beta_2", beta_2, low=0, below=1)

    def initial_state(self, num_tasks: int, num_parameters: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.
            num_parameters: Integer, how many numbers a row holds.
        """
        return {
            "momentum": np.zeros((num_tasks, num_parameters), "float32"),
            "counts": np.zeros(num_tasks, "int32"),
            "last": np.zeros(num_parameters, "float32"),
            # The root of the square: squares may leave float32's range.
            "root": np.zeros(num_parameters, "float32"),
            "steps": np.zeros((), "int32"),
        }

    def turn(self, present):
        """Chooses the task whose gradient this step computes.

        Args:
            present: float32 tensor of shape `(num_tasks,)`, 0 for an absent
                task.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 1 for that task and 0 for
            the others; all 0 where no task is present.
        """
        counts = self.state(present.shape[0], 1)["counts"]
        return _turn(counts, present)

    def _merge(self, step):
        return self._moved(step)[0]

    def _advance(self, step):
        return self._moved(step)[1]

    def _moved(self, step) -> tuple:
        """Returns the direction and the state after the step."""
        state, present = step.state, step.present
        chosen = _turn(state["counts"], present)
        is_step = ops.any(chosen > 0)
        counts = state["counts"] + ops.cast(chosen, "int32")
        steps = state["steps"] + ops.cast(is_step, "int32")
        old = state["momentum"]
        follow = (1.0 - self.beta_1) * chosen[:, None]
        momentum = old + follow * (step.jacobian - old)
        takes_part = ops.logical_and(present > 0, counts > 0)
        scales = ops.where(
            takes_part, 1.0 / share_of_data(self.beta_1, counts), 0.0
        )
        rows = scales[:, None] * momentum
        # A decomposition raises on what is not finite, on TensorFlow.
        is_sound, gramian = sound(ops.matmul(rows, ops.transpose(rows)))
        weights = equal_cosines(gramian, ops.ones_like(present))
        weights = ops.where(is_sound, weights, float("nan"))
        direction = ops.matmul(weights[None, :], rows)[0]
        last = direction * share_of_data(self.beta_1, steps)
        new = {
            "momentum": momentum,
            "counts": counts,
            "last": ops.where(is_step, last, state["last"]),
            "root": state["root"],
            "steps": steps,
        }
        if self.beta_2 is None:
            return direction, new
        gradient = (last - self.beta_1 * state["last"]) / (1.0 - self.beta_1)
        root = root_of_squares(state["root"], gradient, self.beta_2)
        new["root"] = ops.where(is_step, root, state["root"])
        # Before the first step there is nothing to divide.
        divisor = root / ops.sqrt(share_of_data(self.beta_2, steps))
        divisor = divisor + 1e-8 * ops.max(divisor)
        divisor = ops.where(divisor > 0, divisor, 1.0)
        return direction / divisor, new

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        config = super().get_config()
        # No argument of this method.
        del config["rescale"]
        return {**config, "beta_1": self.beta_1, "beta_2": self.beta_2}


def _turn(counts, present):
    waiting = ops.where(present > 0, counts, 2**31 - 1)
    chosen = ops.one_hot(ops.argmin(waiting), counts.shape[0], dtype="float32")
    return chosen * present
