"""Equal weights: the plain sum of the tasks' losses."""

import keras

from mtl_keras.balancing.weighting_balancer import WeightingBalancer


@keras.saving.register_keras_serializable(package="mtl_keras")
class Equal(WeightingBalancer):
    """Gives each task the weight 1, as Keras does by default.

    Args:
        monitor: Boolean, whether the logs show the weights.
    """

    when_to_use = "The baseline: losses of one kind and scale."
    is_scale_free = True
    is_fixed = True
    takes_smoothing = False

    def __init__(self, *, monitor: bool = False):
        super().__init__(monitor=monitor)

    def _weigh(self, step):
        return step.present
