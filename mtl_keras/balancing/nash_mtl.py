"""Nash-MTL: multi-task learning as a bargaining game.

Navon et al., ICML 2022, https://arxiv.org/abs/2202.01017.
"""

import keras
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.solvers import nash
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class NashMTL(GradientBalancer):
    """Lets the tasks bargain: the direction maximises the product of gains.

    With `G = J @ J.T`, the weights `a > 0` solve `G @ a = 1 / a`. They undo
    the rows' lengths: a task's weight halves when its gradient doubles, and
    the direction, of length `sqrt(m)` for `m` rows, does not change. It is
    then shortened to at most `max_norm`.

    A row of zeros has the weight 0 and takes no part. Where some positive
    combination of rows cancels, as that of opposite rows, no bargain exists:
    the weights stay finite, about 3000 over the rows' lengths, and the part of
    the direction that these rows make is next to nothing, or, of many rows in
    few dimensions, rounding that `max_norm` does not bound. One row: its unit
    vector, before `max_norm`.

    Args:
        max_norm: Float above 0, the greatest length of the direction, or
            `None` for no limit. Defaults to 1.0, as in the authors' code;
            since a bargain has the length `sqrt(m)`, that gives every step the
            length 1.
        **kwargs: `on`, `update_every` (the authors' `update_weights_every`),
            `rescale` and `monitor`, as of `GradientBalancer`.

    Note:
        The authors' code solves a sequence of 20 convex approximations with
        CVXPY on the host, and keeps the last weights where that fails; ours
        solves the equations themselves, to 1e-4 or better. It also weighs the
        heads' losses by `a`; the paper's bargain is about the shared
        parameters, and our heads keep their own gradients. The paper has no
        `max_norm`, the code clips with it (its 0 is our `None`).
    """

    when_to_use = (
        "Gradients of very different lengths; each task shall gain in "
        "proportion."
    )

    def __init__(self, max_norm: float | None = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.max_norm = (
            None if max_norm is None else number("max_norm", max_norm, above=0)
        )

    def _weigh(self, step):
        weights = nash.solve(step.gramian)
        if self.max_norm is None:
            return weights
        length = ops.sqrt(ops.sum(nash.gains(step.gramian, weights)))
        return weights * (self.max_norm / ops.maximum(length, self.max_norm))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "max_norm": self.max_norm}
