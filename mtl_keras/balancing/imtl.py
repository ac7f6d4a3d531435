"""IMTL: impartial multi-task learning on the gradients and the losses.

Liu et al., ICLR 2021, https://openreview.net/forum?id=IMPnRXEWpvr.
"""

import keras
from keras import ops

from mtl_keras.balancing.imtl_g import IMTLG
from mtl_keras.balancing.learned_scales import LearnedScales


@keras.saving.register_keras_serializable(package="mtl_keras")
class IMTL(LearnedScales, IMTLG):
    """Brings the losses to one value and balances their gradients.

    Learns `s`, one scale a task, by minimising
    `sum_k exp(s[k]) * losses[k] - s[k]`, as `imtl_l` does. The heads descend
    the scaled losses; the shared variables follow the direction of `imtl_g`
    for the scaled losses' gradients, `exp(s)[:, None] * J`.

    A task without labels, or with a loss of 0 or less, for which `s` has no
    optimum, leaves its `s` as it is. Rows of zeros, duplicates and opposite
    rows are as in `imtl_g`: `s` scales all of them.

    Args:
        learning_rate: Float above 0, of Adam's step on `s`. Defaults to
            0.025, as of `imtl_l`.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`. By default
            gradients are compared at the features, as in the paper.

    Note:
        The paper trains `s` with the model's optimizer; ours has an Adam step
        of its own, without decay.
    """

    when_to_use = (
        "Neither the scale of a loss nor the length of a gradient shall count."
    )

    def head_weights(self, losses=None, present=None):
        """Returns what each task's loss is multiplied with: `exp(s)`.

        Args:
            losses: Float tensor of shape `(num_tasks,)`.
            present: As of `weights`.

        Returns:
            float32 tensor of shape `(num_tasks,)`.
        """
        present = super().head_weights(losses, present)
        return present * ops.exp(self.state(present.shape[0])["s"])

    def _slope(self, s, losses):
        return losses * ops.exp(s) - 1.0
