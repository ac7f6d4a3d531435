"""The sum of the tasks' logarithmic losses.

As "scale-invariant" baseline in Nash-MTL (Navon et al., ICML 2022,
https://arxiv.org/abs/2202.01017).
"""

import keras

from mtl_keras.balancing.masked import reciprocal, taking_part
from mtl_keras.balancing.weighting_balancer import WeightingBalancer


@keras.saving.register_keras_serializable(package="mtl_keras")
class LogSum(WeightingBalancer):
    """Minimises the sum of the logarithms of the losses.

    The objective is `sum_k log(losses[k])`, so `weights[k] = 1 / losses[k]`:
    a task counts by how much it improves in proportion to its loss, and the
    unit in which a loss is measured does not matter. It has no hyperparameter;
    with a tuned learning rate it is hard to beat.

    A loss of 0 has the weight 0. No gradient is read: a zero, duplicate or
    opposed row changes no weight.

    Args:
        **kwargs: `smoothing` and `monitor`, as of `WeightingBalancer`.
    """

    when_to_use = (
        "Positive losses of different scales that fall together; a task that "
        "is soon learnt takes the trunk."
    )
    is_scale_free = True
    needs_losses = True
    needs_positive_losses = True

    def _weigh(self, step):
        return reciprocal(step.losses, taking_part(step.losses, step.present))
