"""UW-SO: soft optimal uncertainty weighting.

Kirchdorfer et al., GCPR 2024, https://arxiv.org/abs/2408.07985.
"""

import keras

from mtl_keras.balancing.masked import reciprocal, softmax, taking_part
from mtl_keras.balancing.weighting_balancer import WeightingBalancer
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class UWSO(WeightingBalancer):
    """Weighs the tasks by a softmax of their inverse losses.

    `1 / losses[k]` is where uncertainty weighting converges to; a softmax
    tempers it: `weights = softmax((1 / losses) / temperature)`. They sum to 1.

    A loss of 0 would take all the weight; such a task takes no part in the
    step. No gradient is read: a zero, duplicate or opposed row changes no
    weight.

    Args:
        temperature: Float of at least 1e-30, the paper's `T`. The greater,
            the more equal the weights. The paper tunes it for each data set:
            it has the unit of an inverse loss, so `s * losses` need
            `temperature / s`. Defaults to 1.
        **kwargs: `smoothing` and `monitor`, as of `WeightingBalancer`.
    """

    when_to_use = (
        "Like uncertainty, without the lag of a learned weight; tune the "
        "temperature."
    )
    is_scale_free = True
    needs_losses = True
    needs_positive_losses = True

    def __init__(self, temperature: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.temperature = number("temperature", temperature, low=1e-30)

    def _weigh(self, step):
        mask = taking_part(step.losses, step.present)
        return softmax(reciprocal(step.losses, mask), mask, self.temperature)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "temperature": self.temperature}
