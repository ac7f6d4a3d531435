"""One minus F1, with probabilities instead of counts."""

import keras
from keras import ops

from mtl_keras import checks
from mtl_keras.losses import coupling, overlap
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class SoftF1(Loss):
    """One minus a differentiable F1 over the labels of a batch.

    With `y` the labels in {0, 1} that are present in the batch and `p` their
    predicted probabilities:

        f1 = (2 * sum(p * y) + s) / (sum(p) + sum(y) + s)
        loss = 1 - f1

    which is the loss of Benedict et al. (sigmoidF1, TMLR 2022,
    https://arxiv.org/abs/2108.10566) without their second sigmoid. As in
    `metrics.F1`, several binary labels are counted together, and for classes
    the loss is the mean over the classes.

    F1 is not a mean over labels. The value of a label is its contribution to
    the loss, scaled so that the mean of the values is the loss. It depends on
    the batch: small batches estimate F1 badly.

    Binary labels: predictions of shape `(..., 1)`, or of the labels' shape.
    Classes: class numbers of shape `(...)` or `(..., 1)`, predictions of
    shape `(..., num_classes)`. Values have shape `(...)`, or the labels'.

    Args:
        smoothing: Float, at least 0; `s` above. With 0, the loss of a batch
            without positive labels is 1 for every prediction, without a
            gradient. Defaults to 1.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"soft_f1"`.
    """

    couples_labels = True

    def __init__(
        self,
        smoothing: float = 1.0,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "soft_f1",
    ):
        super().__init__(reduction=reduction, name=name)
        self.smoothing = checks.number("smoothing", smoothing, low=0)

    def call(self, y_true, y_pred, present=None):
        """Computes each label's contribution to the loss.

        Args:
            y_true: Tensor of labels.
            y_pred: Tensor of probabilities.
            present: Boolean tensor of the labels' shape, `False` where a
                label is missing; `None` if no label is missing.

        Returns:
            float32 tensor, see the class; 0 where a label is missing.

        Raises:
            ValueError: If the shapes do not fit.
        """
        missed, size, is_present = overlap.misses(
            self.name, y_true, y_pred, present
        )
        leading = tuple(range(len(is_present.shape)))
        total = ops.sum(size, axis=leading, keepdims=True) + self.smoothing
        contribution = ops.mean(coupling.ratio(missed, total), axis=-1)
        return coupling.count(is_present) * contribution

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "smoothing": self.smoothing}
