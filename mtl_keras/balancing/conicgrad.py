"""ConicGrad: the best worst gain within a cone around the mean gradient.

Hassanpour et al., 2025, https://arxiv.org/abs/2502.00217.
"""

import keras
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.solvers.conic import in_cone
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class ConicGrad(GradientBalancer):
    """Raises the worst task's gain within an angle of the mean gradient.

    With `g0` the mean of the rows of `J`, it is the `d` whose least product
    with a row is greatest, of all `d` with `g0 @ d >= c * |g0|**2` and
    `|d| <= |g0|`: the angle to the mean is at most `arccos(c)`. Unlike
    `cagrad`, whose ball around `g0` bounds angle and length together, the
    length is that of `g0` wherever some direction of the cone gains for every
    task, and shorter only where none does.

    A zero row counts in the mean and takes no part in the inner problem. Rows
    that cancel in the mean leave no cone: the direction is their mean, zero.

    Args:
        c: Float in (0, 1), the least cosine with the mean gradient. Towards 1
            the direction is the mean; towards 0 it may be orthogonal to it.
            Defaults to 0.5.
        preference: Dict, task name to positive number: the weights of the
            mean, brought to the sum 1. The paper's reference is the plain
            mean; weights in it are ours.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.

    Note:
        The paper constrains the angle, brings the direction to the length of
        `g0`, and moves the weights of its Lagrangian by one gradient step per
        training step. We solve the problem at each step, over the convex hull
        of the cone's directions of that length, and need no learning rate for
        it. The default of `c` is ours.
    """

    when_to_use = (
        "As cagrad, where the direction may leave the mean by a chosen angle "
        "and keeps its length."
    )
    # A decomposition of the Gramian, as of `AlignedMTL`.
    most_tasks = 256
    takes_preference = True
    solves_in_steps = True

    def __init__(self, c: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.c = number("c", c, above=0, below=1)

    def _weigh(self, step):
        shares = self._preferences(step) * step.present
        total = ops.sum(shares)
        shares = shares / ops.where(total > 0, total, 1.0)
        return in_cone(step.gramian, shares, self.c, step.present)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "c": self.c}
