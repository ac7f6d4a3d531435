"""Scale-invariant loss of depth (Eigen et al., NeurIPS 2014)."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.losses import coupling
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class ScaleInvariantDepth(Loss):
    """Squared error of log-depth that partly ignores a common factor.

    With `d = log(y_pred) - log(y_true)` at the pixels of one image that have
    a label (https://arxiv.org/abs/1406.2283, equation 4):

        loss = mean(d ** 2) - scale_share * mean(d) ** 2

    Each pixel has the value `d * (d - scale_share * mean(d))`, whose mean over
    the image is the image's loss. The mean over a batch is over its labelled
    pixels.

    Depths of shape `(batch, ...)` or `(batch, ..., 1)` with predictions of
    shape `(batch, ..., 1)`, or of the labels' shape, in one unit, above 0.
    Values have the labels' shape without an axis of 1 at its end.

    Args:
        scale_share: Float in [0, 1]: 0 for the plain squared error of
            log-depth, 1 to ignore a common factor. Defaults to 0.5, the
            paper's.
        smallest: Float above 0, in the unit of depth. Smaller labels are
            raised to it. For smaller predictions the logarithm is continued by
            its tangent, so that predictions at or below 0 have a gradient.
            Defaults to 0.001.
        from_logarithm: Boolean. Whether predictions are logarithms of depths,
            as in the paper. Defaults to `False`.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"scale_invariant_depth"`.
    """

    couples_labels = True

    def __init__(
        self,
        scale_share: float = 0.5,
        smallest: float = 1e-3,
        *,
        from_logarithm: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str = "scale_invariant_depth",
    ):
        super().__init__(reduction=reduction, name=name)
        self.scale_share = checks.fraction("scale_share", scale_share)
        self.smallest = checks.number("smallest", smallest, above=0)
        self.from_logarithm = checks.boolean("from_logarithm", from_logarithm)

    def call(self, y_true, y_pred, present=None):
        """Computes a value for each pixel.

        Args:
            y_true: Tensor of depths.
            y_pred: Tensor of depths, or of their logarithms.
            present: Boolean tensor of the labels' shape, `False` where a
                label is missing; `None` if no label is missing.

        Returns:
            float32 tensor, see the class; 0 where a label is missing.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        y, p = shapes.paired(self.name, y_true, y_pred)
        is_present = coupling.mask(self.name, present, p)
        y = coupling.where_present(ops.cast(y, "float32"), is_present, 1.0)
        filler = 0.0 if self.from_logarithm else 1.0
        p = coupling.where_present(p, is_present, filler)
        log_y = ops.log(ops.maximum(y, self.smallest))
        log_p = p if self.from_logarithm else self._log(p)
        error = coupling.where_present(log_p - log_y, is_present)
        pixels = tuple(range(1, len(is_present.shape)))
        if not pixels:
            return (1.0 - self.scale_share) * error * error
        count = ops.sum(
            ops.cast(is_present, "float32"), axis=pixels, keepdims=True
        )
        total = ops.sum(error, axis=pixels, keepdims=True)
        mean = coupling.ratio(total, count)
        return error * (error - self.scale_share * mean)

    def _log(self, depth):
        is_legal = depth > self.smallest
        logarithm = ops.log(ops.where(is_legal, depth, self.smallest))
        below = ops.where(is_legal, 0.0, depth - self.smallest)
        return logarithm + below / self.smallest

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "scale_share": self.scale_share,
            "smallest": self.smallest,
            "from_logarithm": self.from_logarithm,
        }
