"""ConFIG: conflict-free inverse gradients.

Liu et al., ICLR 2025, https://arxiv.org/abs/2408.11104.
"""

import keras

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.solvers.equal_cosines import equal_cosines


@keras.saving.register_keras_serializable(package="mtl_keras")
class ConFIG(GradientBalancer):
    """Takes the direction with the same positive cosine to every gradient.

    With `U` the rows of `J` at length one, the direction is that of
    `pinv(U) @ p`, `p` all ones or the preference: where the rows are
    independent, its cosines are equal, or stand to each other as the
    preference, and positive. Its length is the sum of the rows' projections
    on it.

    With dependent rows (more than dimensions, say) the cosines come as near to
    each other as they can, by least squares, and may be negative: then the
    method is not free of conflicts. A row of zeros takes no part. Opposite
    rows alone cancel, and the direction is 0; among others they come out with
    the cosine 0. One row: the row itself.

    Rows less than about 0.1 degrees apart are told apart by large weights of
    both signs, which leave an error of about 1e-3.

    Args:
        preference: Dict, task name to positive number, the ratio of the
            cosines. Defaults to `None`, all alike.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.

    Note:
        The paper's direction is for equal cosines; ratios are the authors'
        code's `weight_model`.
    """

    when_to_use = (
        "Every task must improve at the same rate, such as the terms of a "
        "physics-informed loss."
    )
    # A decomposition of the Gramian: 13 seconds a step of 1,000 tasks.
    most_tasks = 256
    takes_preference = True

    def _weigh(self, step):
        return equal_cosines(step.gramian, self._preferences(step))
