"""Cross-entropy of one class among several."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.losses import probability
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class CrossEntropy(Loss):
    """Cross-entropy between class labels and predicted probabilities.

    With `y` the label's probability of each class (one-hot, smoothed to
    `y * (1 - s) + s / num_classes` for `s = label_smoothing`) and `p` the
    probabilities, which sum to 1:

        loss = -sum(y * log(p * (1 - 2 * e) + e)),  e = 1e-7

    It differs from Keras's by `e / p` at most. Keras clips `p`, which makes the
    gradient 0 where it is clipped; here the gradient never vanishes.

    Labels are integers of shape `(...)` or `(..., 1)`, or one-hot of shape
    `(..., num_classes)`; predictions have shape `(..., num_classes)`; values
    have shape `(...)`.

    Args:
        from_logits: Boolean. Whether predictions are logits instead of
            probabilities. Defaults to `False`.
        label_smoothing: Float in [0, 1), Szegedy et al., CVPR 2016,
            section 7. Defaults to 0.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"cross_entropy"`.
    """

    def __init__(
        self,
        *,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cross_entropy",
    ):
        super().__init__(reduction=reduction, name=name)
        self.from_logits = checks.boolean("from_logits", from_logits)
        self.label_smoothing = checks.fraction(
            "label_smoothing", label_smoothing, below_one=True
        )

    def call(self, y_true, y_pred):
        """Computes a value for each label.

        Args:
            y_true: Tensor of labels.
            y_pred: Tensor of probabilities or logits.

        Returns:
            float32 tensor of shape `(...)`.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        labels = shapes.class_probabilities(self.name, y_true, y_pred)
        if self.label_smoothing:
            uniform = self.label_smoothing / y_pred.shape[-1]
            labels = labels * (1.0 - self.label_smoothing) + uniform
        log_p = (
            ops.log_softmax(y_pred, axis=-1)
            if self.from_logits
            else probability.log(y_pred)
        )
        return -ops.sum(labels * log_p, axis=-1)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
        }
