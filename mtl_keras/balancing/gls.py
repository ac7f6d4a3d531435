"""GLS: geometric loss strategy.

Chennupati et al., CVPR workshops 2019, https://arxiv.org/abs/1904.08492.
"""

import keras
from keras import ops

from mtl_keras.balancing.masked import logarithm, taking_part
from mtl_keras.balancing.weighting_balancer import WeightingBalancer


@keras.saving.register_keras_serializable(package="mtl_keras")
class GLS(WeightingBalancer):
    """Minimises the geometric mean of the losses.

    The objective is `G = prod_k losses[k] ** (1 / K)` over the `K` tasks that
    take part, so `weights[k] = G / (K * losses[k])`: the direction of
    `log_sum`, with a length that falls as the losses do.

    A loss of 0 would make `G` and the other tasks' weights 0; such a task
    takes no part in the step. No gradient is read: a zero, duplicate or
    opposed row changes no weight.

    Args:
        **kwargs: `smoothing` and `monitor`, as of `WeightingBalancer`.

    Note:
        The paper also proposes to count some tasks' losses twice ("focused
        loss strategy"); this is the plain mean.
    """

    when_to_use = (
        "Positive losses of different scales, without a hyperparameter."
    )
    is_scale_free = True
    needs_losses = True
    needs_positive_losses = True

    def _weigh(self, step):
        losses = step.losses
        mask = taking_part(losses, step.present)
        size = ops.maximum(ops.sum(ops.cast(mask, "float32")), 1.0)
        # In logarithms: the product of 64 losses leaves float32's range.
        logs = logarithm(losses, mask)
        weights = ops.exp(ops.sum(logs) / size - logs) / size
        return ops.where(mask, weights, 0.0)
