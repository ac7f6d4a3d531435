"""Uncertainty weighting.

Kendall et al., CVPR 2018, https://arxiv.org/abs/1705.07115.
"""

import keras
from keras import ops

from mtl_keras.balancing.learned_scales import LearnedScales
from mtl_keras.balancing.weighting_balancer import WeightingBalancer


@keras.saving.register_keras_serializable(package="mtl_keras")
class Uncertainty(LearnedScales, WeightingBalancer):
    """Learns each task's noise and weighs by its inverse.

    Minimises `sum_k losses[k] / (2 * exp(s[k])) + s[k] / 2` over the model and
    over `s`, the logarithms of the tasks' variances, which start at 0. So
    `weights[k] = 1 / (2 * exp(s[k]))`, and for a loss that stays the same
    `s[k]` tends to `log(losses[k])`.

    A task without labels, or with a loss of 0 or less, for which `s` has no
    optimum, leaves its `s` as it is; its loss is weighted all the same. No
    gradient is read: a zero, duplicate or opposed row changes no weight.

    Args:
        learning_rate: Float above 0, of Adam's step on `s`. Defaults to
            0.025, as in the benchmarks of Nash-MTL (Navon et al., ICML 2022).
        **kwargs: `smoothing` and `monitor`, as of `WeightingBalancer`.

    Note:
        The paper has `losses[k] / exp(s[k])` for classification and half of it
        for regression; like later work we take the half for every task, which
        moves `s` by `log(2)`. The paper trains `s` with the model's optimizer;
        ours has an Adam step of its own, without decay.
    """

    when_to_use = (
        "The usual first choice among the methods of losses: regression and "
        "classification together, none soon learnt."
    )
    is_scale_free = True

    def _weigh(self, step):
        return 0.5 * ops.exp(-step.state["s"])

    def _slope(self, s, losses):
        return 0.5 * (1.0 - losses * ops.exp(-s))
