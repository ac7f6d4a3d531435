"""FairGrad: fair resource allocation in multi-task learning.

Ban & Ji, ICML 2024, https://arxiv.org/abs/2402.15638.
"""

import keras

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.solvers import nash
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class FairGrad(GradientBalancer):
    """Maximises the tasks' alpha-fair utility of their gains.

    With `G = J @ J.T`, the weights `a > 0` solve `G @ a = a ** (-1 / alpha)`.
    `alpha = 1` is proportional fairness, the bargain of `nash_mtl` without its
    `max_norm`; 2 is the least potential delay; the greater `alpha`, the more
    the worst task counts. With `s * J` for `J` the weights are multiplied by
    `s ** (-2 * alpha / (1 + alpha))`.

    A row of zeros has the weight 0 and takes no part. Where some positive
    combination of rows cancels, as that of opposite rows, the equations have
    no solution: the weights stay finite, and the part of the direction that
    these rows make is rounding. One row `g`: `g / |g| ** (2 * alpha /
    (1 + alpha))`.

    Args:
        alpha: Float from 0.1 to 10. Defaults to 1.0, as in the authors' code;
            their scripts set 2.0. Near 0 the equations tend to equal weights,
            far above 10 to max-min fairness: both leave float32.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.

    Note:
        The authors' code minimises the equations' squared error with SciPy on
        the host. For `alpha` other than 1, rows of which one is many orders
        longer than another that it opposes leave an error that float32 cannot
        avoid: see `solvers/nash.py`.
    """

    when_to_use = (
        "Like nash_mtl, with a choice between the mean and the worst task "
        "(`alpha`)."
    )

    def __init__(self, alpha: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = number("alpha", alpha, low=0.1, high=10)

    def _weigh(self, step):
        return nash.solve(step.gramian, self.alpha)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "alpha": self.alpha}
