"""NTKMTL-SR: balances tasks by their neural tangent kernels.

Qin et al., NeurIPS 2025, https://arxiv.org/abs/2510.18258.
"""

import keras
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.checks import number


@keras.saving.register_keras_serializable(package="mtl_keras")
class NTKMTLSR(GradientBalancer):
    """Brings the tasks' kernels to one greatest eigenvalue.

    A task learns as fast as the greatest eigenvalue of its kernel. With
    `eigenvalues = diag(G)`, `G = J @ J.T` at the shared representation, the
    weights are `(mean(eigenvalues) / eigenvalues) ** exponent` (equation 18).

    A row of zeros has the weight 0; its eigenvalue counts in the mean. Equal
    and opposite rows have equal weights, so two of them cancel.

    Args:
        exponent: Float in (0, 1]. Defaults to 0.5, the paper's square root;
            the authors' code offers it and suggests up to 0.75.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.
            `on="parameters"` is the paper's NTKMTL.

    Note:
        Verified against the paper's text (equations 14 to 18, algorithms 1
        and 2) and the authors' code. The kernel is built of the gradients of
        `n` parts of the batch, and its greatest eigenvalue taken; this is
        `n = 1`, the paper's choice for NTKMTL, while NTKMTL-SR takes
        `n = 4`: there, parts of a batch touch different examples'
        features, so the greatest of four parts' squared lengths stands for
        the whole batch's. Algorithm 2 multiplies the whole loss, heads
        included; here the heads keep their own gradient. The code takes the
        sum of the eigenvalues for their mean; we follow the paper.
    """

    when_to_use = (
        "Tasks learn at different speeds, as the kernel of the network tells."
    )
    levels = ("features", "last_shared", "parameters")

    def __init__(self, exponent: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.exponent = number("exponent", exponent, above=0, high=1)

    def _weigh(self, step):
        lengths = ops.sqrt(ops.maximum(ops.diagonal(step.gramian), 0.0))
        top = ops.max(lengths)
        lengths = lengths / ops.where(top > 0, top, 1.0)
        is_there = lengths > 0
        count = ops.maximum(ops.sum(step.present), 1.0)
        # Of lengths, not of eigenvalues: their quotient has twice the range.
        mean = ops.sqrt(ops.sum(lengths * lengths) / count)
        ratio = mean / ops.where(is_there, lengths, 1.0)
        return ops.where(is_there, ratio ** (2.0 * self.exponent), 0.0)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "exponent": self.exponent}
