"""Aligned-MTL: independent component alignment.

Senushkin et al., CVPR 2023, https://arxiv.org/abs/2305.19000.
"""

import keras
import numpy as np
from keras import ops

from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.messages import did_you_mean

_MODES = ("min", "median", "rmse")
_EPSILON = float(np.finfo("float32").eps)


@keras.saving.register_keras_serializable(package="mtl_keras")
class AlignedMTL(GradientBalancer):
    """Turns the gradients into an orthogonal system of one scale, then sums.

    With `G = J @ J.T = V @ diag(values) @ V.T`, the rows are replaced by the
    nearest system whose principal components all have the length `scale`,
    `B @ J` with `B = scale * V @ diag(values ** -0.5) @ V.T`, so that the
    condition number of what is summed is 1. The weights are `w @ B`, `w` all
    ones or the preference.

    Eigenvalues up to `m * 1.2e-7` times the largest, `m` the number of rows
    with labels, are rounding: those components are left out. So a row of zeros
    has the weight 0, duplicates share one, opposite rows cancel, and beside a
    row 1e8 times as long the others do not count. One row: the row itself.

    Args:
        scale_mode: String, the `scale`: `"min"`, the root of the least
            eigenvalue, `"median"`, of the median (the lower of two), or
            `"rmse"`, of their mean. Defaults to `"min"`, with which the paper
            proves convergence.
        preference: Dict, task name to positive number, `w`. Defaults to
            `None`, all ones.
        **kwargs: `on`, `update_every`, `rescale`, `task_weights`,
            `smoothing` and `monitor`, as of `GradientBalancer`.

    Raises:
        ValueError: If `scale_mode` is another.
    """

    when_to_use = (
        "Gradients differ in length and conflict; wants a stable direction "
        "that no task dominates."
    )
    # A decomposition of the Gramian: 13 seconds a step of 1,000 tasks.
    most_tasks = 256
    takes_preference = True

    def __init__(self, scale_mode: str = "min", **kwargs):
        super().__init__(**kwargs)
        if scale_mode not in _MODES:
            raise ValueError(
                "`scale_mode` must be 'min', 'median' or 'rmse'."
                f"{did_you_mean(scale_mode, _MODES)} "
                f"Received: scale_mode={scale_mode!r}"
            )
        self.scale_mode = scale_mode

    def _weigh(self, step):
        trace = ops.sum(ops.diagonal(step.gramian))
        values, vectors = ops.eigh(
            step.gramian / ops.where(trace > 0, trace, 1.0)
        )
        least = ops.maximum(ops.sum(step.present), 1.0) * _EPSILON
        # A Gramian of zeros keeps nothing.
        is_kept = values > ops.maximum(least * ops.max(values), 0.0)
        divisors = ops.where(is_kept, values, 1.0)
        scale = self._scale(ops.where(is_kept, values, 0.0), is_kept)
        roots = ops.where(is_kept, ops.sqrt(scale / divisors), 0.0)
        wanted = self._preferences(step) * step.present
        parts = ops.matmul(wanted[None, :], vectors)[0]
        return ops.matmul(vectors, (roots * parts)[:, None])[:, 0]

    def _scale(self, values, is_kept):
        """Computes the common eigenvalue; `values` ascend, 0 if left out."""
        rank = ops.sum(ops.cast(is_kept, "int32"))
        if self.scale_mode == "rmse":
            return ops.sum(values) / ops.cast(ops.maximum(rank, 1), "float32")
        if self.scale_mode == "min":
            return ops.min(ops.where(is_kept, values, 2.0))
        size = values.shape[0]
        middle = size - rank + ops.maximum(rank - 1, 0) // 2
        places = np.arange(size, dtype="int32")
        return ops.sum(ops.where(ops.equal(places, middle), values, 0.0))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "scale_mode": self.scale_mode}
