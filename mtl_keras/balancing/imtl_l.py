"""IMTL-L: impartial learning on the losses.

Liu et al., ICLR 2021, https://openreview.net/forum?id=IMPnRXEWpvr.
"""

import keras
from keras import ops

from mtl_keras.balancing.learned_scales import LearnedScales
from mtl_keras.balancing.weighting_balancer import WeightingBalancer


@keras.saving.register_keras_serializable(package="mtl_keras")
class IMTLL(LearnedScales, WeightingBalancer):
    """Learns scales that bring all losses to the same value, 1.

    Minimises `sum_k exp(s[k]) * losses[k] - s[k]` over the model and over `s`,
    which starts at 0. So `weights[k] = exp(s[k])`, and for a loss that stays
    the same `s[k]` tends to `-log(losses[k])`. With one learning rate these
    are twice the weights of `uncertainty`.

    A task without labels, or with a loss of 0 or less, for which `s` has no
    optimum, leaves its `s` as it is; its loss is weighted all the same. No
    gradient is read: a zero, duplicate or opposed row changes no weight.

    Args:
        learning_rate: Float above 0, of Adam's step on `s`. Defaults to
            0.025, as of `uncertainty`.
        **kwargs: `smoothing` and `monitor`, as of `WeightingBalancer`.

    Note:
        The paper trains `s` with the model's optimizer; ours has an Adam step
        of its own, without decay.
    """

    when_to_use = "The scale of a loss shall not count; costs nothing."
    is_scale_free = True

    def _weigh(self, step):
        return ops.exp(step.state["s"])

    def _slope(self, s, losses):
        return losses * ops.exp(s) - 1.0
