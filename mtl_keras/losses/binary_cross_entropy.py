"""Cross-entropy of binary labels."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.losses import probability
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class BinaryCrossEntropy(Loss):
    """Cross-entropy between binary labels and predicted probabilities.

    With `y` the label in [0, 1] (smoothed to `y * (1 - s) + s / 2` for
    `s = label_smoothing`), `p` the probability of the positive class and
    `log_e(p) = log(p * (1 - 2 * e) + e)`, `e = 1e-7`:

        loss = -(y * log_e(p) + (1 - y) * log_e(1 - p))

    Keras clips `p`, which makes the gradient 0 where it is clipped; here the
    gradient never vanishes. Keras also averages over the last axis; here every
    label has its own value.

    Labels of shape `(...)` or `(..., 1)` with predictions of shape `(..., 1)`
    give values of shape `(...)`. Labels and predictions of one shape
    `(..., num_labels)` give values of that shape.

    Args:
        from_logits: Boolean. Whether predictions are logits instead of
            probabilities. Defaults to `False`.
        label_smoothing: Float in [0, 1). Defaults to 0.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"binary_cross_entropy"`.
    """

    def __init__(
        self,
        *,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_cross_entropy",
    ):
        super().__init__(reduction=reduction, name=name)
        self.from_logits = checks.boolean("from_logits", from_logits)
        self.label_smoothing = checks.fraction(
            "label_smoothing", label_smoothing, below_one=True
        )

    def call(self, y_true, y_pred):
        """Computes a value for each label.

        Args:
            y_true: Tensor of labels in [0, 1], of any number type.
            y_pred: Tensor of probabilities or logits.

        Returns:
            float32 tensor, see the class.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        y, p = shapes.paired(self.name, y_true, y_pred)
        y = ops.cast(y, "float32")
        if self.label_smoothing:
            y = y * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing
        if self.from_logits:
            # -log(sigmoid(p)) = softplus(p) - p, so that nothing overflows.
            return ops.softplus(p) - y * p
        return -(y * probability.log(p) + (1.0 - y) * probability.log(1.0 - p))

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
        }
