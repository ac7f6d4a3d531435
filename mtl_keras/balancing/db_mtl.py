"""DB-MTL: dual balancing, of the losses' scales and the gradients' lengths.

Lin et al., Neural Networks 2025, https://arxiv.org/abs/2308.12029.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.jacobian_balancer import JacobianBalancer
from mtl_keras.balancing.masked import reciprocal, taking_part
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class DBMTL(JacobianBalancer):
    """Sums averaged gradients of log-losses, each as long as the longest.

    With `rows[k] = J[k] / losses[k]`, the gradient of `log(losses[k])`, and
    the average `g = beta * g + (1 - beta) * rows`, from zero, the direction is
    `max |g[k]| * sum g[k] / |g[k]|`. The heads follow the gradient of
    `log(losses[k])` as well: `head_weights` are `1 / losses`.

    `combine` takes gradients of the plain losses; `combine_rows` and `update`
    those that `head_weights` multiplied, as in a step. A row that is zero from
    the start stays out. A task without labels, or whose loss is zero, keeps
    its `g` and takes no part. Equal and opposite rows cancel.

    Args:
        beta: Float in [0, 1), how much of the average is kept. Defaults to
            0.9; the paper searches 0.1, 0.5 and 0.9.
        beta_decay: Float in [0, 1]: `beta / t ** beta_decay` at a task's step
            `t`. Defaults to 0; the paper searches 0 and 0.5.
        **kwargs: `rescale`, `task_weights` and `monitor`, as of
            `GradientMethod`.

    Note:
        The paper adds `1e-8` to losses and lengths; nothing is added here.
        The state is as large as the Jacobian.
    """

    when_to_use = (
        "Losses of different scales and gradients of different lengths, "
        "smoothed over the steps."
    )
    is_scale_free = True
    needs_losses = True
    needs_positive_losses = True

    # Rows are merged one by one.
    most_tasks = 256

    def __init__(self, beta: float = 0.9, beta_decay: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.beta = number("beta", beta, low=0, below=1)
        self.beta_decay = number("beta_decay", beta_decay, low=0, high=1)

    def initial_state(self, num_tasks: int, num_parameters: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.
            num_parameters: Integer, how many numbers a row holds.
        """
        return {
            "averages": np.zeros((num_tasks, num_parameters), "float32"),
            "counts": np.zeros(num_tasks, "int32"),
        }

    def head_weights(self, losses=None, present=None):
        """Returns the inverse losses: each head minimises a logarithm.

        Args:
            losses: Float tensor of shape `(num_tasks,)`.
            present: As of `weights`.

        Returns:
            float32 tensor of shape `(num_tasks,)`, 0 for an absent task.
        """
        present = super().head_weights(losses, present)
        losses = ops.cast(ops.convert_to_tensor(losses), "float32")
        return reciprocal(losses, taking_part(losses, present))

    def _merge(self, step):
        averages = self._advance(step)
        rows = averages["averages"]
        # The average starts as a tenth of a gradient, whose square may leave
        # float32's range.
        tops = ops.max(ops.abs(rows), axis=1)
        divisors = ops.where(tops > 0, tops, 1.0)
        lengths = tops * ops.norm(rows / divisors[:, None], axis=1)
        takes_part = ops.logical_and(
            taking_part(step.losses, step.present), lengths > 0
        )
        longest = ops.max(ops.where(takes_part, lengths, 0.0))
        divisors = ops.where(takes_part, lengths, 1.0)
        scales = ops.where(takes_part, longest / divisors, 0.0)
        return ops.matmul(scales[None, :], rows)[0]

    def _advance(self, step):
        moves = taking_part(step.losses, step.present)
        counts = step.state["counts"] + ops.cast(moves, "int32")
        past = ops.cast(ops.maximum(counts, 1), "float32")
        beta = self.beta * past**-self.beta_decay
        follow = ops.where(moves, 1.0 - beta, 0.0)
        old = step.state["averages"]
        averages = old + follow[:, None] * (step.jacobian - old)
        return {"averages": averages, "counts": counts}

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "beta": self.beta,
            "beta_decay": self.beta_decay,
        }
