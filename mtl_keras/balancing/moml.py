"""MOML: multi-objective meta learning of the tasks' weights.

Ye et al., NeurIPS 2021, https://arxiv.org/abs/2102.07121.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing import adam
from mtl_keras.balancing.learned_weights import LearnedWeights
from mtl_keras.balancing.masked import softmax
from mtl_keras.balancing.solvers.min_norm import min_norm
from mtl_keras.balancing.solvers.unit_rows import unit_rows

# Of the squared length of a combination of unit rows, in float32.
_ROUNDING = 1e-6


@keras.saving.register_keras_serializable(package="mtl_keras")
class MOML(LearnedWeights):
    """Learns weights that suit every task's loss on another batch.

    The inner problem is `K * sum s[k] * losses[k]`, `s = softmax(logits)` over
    the `K` tasks with labels, on one half of the batch, heads included; the
    outer ones are all tasks' losses on the other half after a step of the
    inner problem. To first order in that step, outer loss `p` has the slope
    `-(diag(s) - s s^T) @ G12[:, p]` in the logits,
    with `G12` the products of the inner gradients with the outer ones.
    The slopes of all tasks are combined as in `mgda`, at length one, and Adam
    moves the logits, which start at 0.

    `G12` is divided by the sum of `|J1[k]| * |J2[k]|`, of the losses without
    weights. `weights` and `update` speak of rows that `head_weights` multiplied
    already, as in a step: there the weights are 1, and `head_weights` is
    `K * s`. An absent task keeps its logit. Where the
    outer slopes oppose each other, the logits stay. Opposite rows cancel as
    far as their weights are equal.

    Args:
        learning_rate: Float above 0, of the logits. Defaults to 1e-3.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights` and
            `monitor`, as of `GradientBalancer`. `on` may be `"parameters"` or
            `"last_shared"`.

    Note:
        The default, Adam and the unit slopes are those of the authors' code,
        whose weights sum to 1; ours sum to `K`, as equal weights do. It splits
        off a part of the training data for the outer problem, and takes its
        gradients after the inner step, by a second forward pass; ours are of
        the batch's other half and before it, which differs by the order of the
        learning rate, and of the shared variables only.
    """

    when_to_use = (
        "All tasks count: weights that generalise for each of them, moved "
        "slowly."
    )
    # As of `MGDA`.
    most_tasks = 256
    solves_in_steps = True

    def __init__(self, learning_rate: float = 1e-3, **kwargs):
        super().__init__(learning_rate, **kwargs)

    def initial_state(self, num_tasks: int) -> dict:
        """Returns the state before the first step.

        Args:
            num_tasks: Integer.

        Returns:
            Dict, name to NumPy array: the logits and Adam's moments.
        """
        logits = np.zeros(num_tasks, "float32")
        return {"logits": logits, **adam.initial_state(num_tasks)}

    def _loss_weights(self, state, present):
        shares = softmax(state["logits"], present > 0)
        return ops.sum(ops.cast(present > 0, "float32")) * shares

    def _advance(self, step):
        state, present = step.state, step.present
        shares = softmax(state["logits"], present > 0)
        cross = self._cross(step)
        mean = ops.matmul(shares[None, :], cross)
        # Row p: the slope of outer loss p in the logits.
        slopes = -ops.transpose(shares[:, None] * (cross - mean))
        gramian = ops.matmul(slopes, ops.transpose(slopes))
        # A decomposition raises on what is not finite, on TensorFlow.
        is_sound = ops.all(ops.isfinite(gramian))
        gramian = ops.where(is_sound, gramian, ops.zeros_like(gramian))
        units, _, inverses = unit_rows(gramian)
        mix = min_norm(units, present)
        # Of parallel slopes the mix is not unique; that of unit slopes is.
        slope = ops.matmul((mix * inverses)[None, :], slopes)[0]
        # Of opposing slopes only rounding is left, which Adam would amplify.
        square = ops.sum(mix * ops.matmul(units, mix[:, None])[:, 0])
        slope = ops.where(square > _ROUNDING, slope, ops.zeros_like(slope))
        change, moments = adam.step(
            state, slope, present > 0, self.learning_rate
        )
        return {"logits": state["logits"] + change, **moments}
