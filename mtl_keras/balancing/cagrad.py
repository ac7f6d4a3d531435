"""CAGrad: conflict-averse gradient descent.

Liu et al., NeurIPS 2021, https://arxiv.org/abs/2110.14048.
"""

import keras
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.solvers.cagrad import conflict_averse
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class CAGrad(GradientBalancer):
    """Stays near the mean gradient while raising the worst task's gain.

    With `g0` the mean of the rows of `J` and `G = J @ J.T`, `w` minimises
    `w @ G @ 1 / K + c * |g0| * sqrt(w @ G @ w)` on the simplex; with
    `g_w = w @ J`, the direction is `g0 + c * |g0| / |g_w| * g_w`. It is the
    one, of all within `c * |g0|` of `g0`, whose least product with a row is
    greatest.

    A zero row counts in the mean and takes no part in the inner problem,
    where it would force `g_w = 0`; its task cannot gain. Where
    rows cancel, as opposite ones do, the tasks among them gain nothing and
    lose nothing, and the others gain. Two rows `g` and `-g`: zero.

    Args:
        c: Float in [0, 1). How far the direction may leave the mean gradient,
            as a fraction of its length; 0 is the mean. Defaults to 0.5.
        preference: Dict, task name to positive number: the weights of the
            mean, brought to the sum 1. The paper's main loss is the plain
            mean of the losses; weights in it are ours.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.

    Note:
        The authors' code divides the direction by `1 + c**2`; the paper does
        not, and we follow the paper; `rescale="sum"` sets the length. The
        code's `1e-8` under the root, and its optimiser on the host, are gone.
    """

    when_to_use = (
        "A first choice among the gradient methods: conflicts, but the mean "
        "of all tasks still counts."
    )
    takes_preference = True
    solves_in_steps = True

    def __init__(self, c: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.c = number("c", c, low=0, below=1)

    def _weigh(self, step):
        shares = self._preferences(step) * step.present
        total = ops.sum(shares)
        shares = shares / ops.where(total > 0, total, 1.0)
        if self.c == 0:
            return shares
        weights, _ = conflict_averse(step.gramian, shares, self.c, step.present)
        return weights

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "c": self.c}
