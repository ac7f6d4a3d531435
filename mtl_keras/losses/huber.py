"""Huber loss (Huber, Annals of Mathematical Statistics 35, 1964)."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class Huber(Loss):
    """Quadratic for small errors, linear for large ones.

    With `e = |y_pred - y_true|` and `m = min(e, delta)`:

        loss = m * (e - m / 2)

    which is `e**2 / 2` up to `delta` and `delta * (e - delta / 2)` beyond.

    Labels and predictions of one shape `(batch, ..., size)` give the mean over
    the last axis: values of shape `(batch, ...)`. A label without an axis
    besides the batch is a single number: `(batch,)` or `(batch, 1)`
    against `(batch,)` or `(batch, 1)` gives `(batch,)`.

    Args:
        delta: Float above 0, in the label's unit. Defaults to 1.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"huber"`.

    Note:
        A multi-task model keeps one value for each element (`losses.values`),
        so that a vector can be trained on if some elements have no label.
    """

    averages_last_axis = True

    def __init__(
        self,
        delta: float = 1.0,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber",
    ):
        super().__init__(reduction=reduction, name=name)
        self.delta = checks.number("delta", delta, above=0)

    def call(self, y_true, y_pred):
        """Computes the mean over the last axis, or a value for each number.

        Args:
            y_true: Tensor of labels.
            y_pred: Tensor of predictions.

        Returns:
            float32 tensor, see the class.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        true, pred = shapes.paired(self.name, y_true, y_pred)
        values = elementwise(ops.cast(true, "float32"), pred, self.delta)
        is_vector = len(values.shape) >= 2 and pred is y_pred
        return ops.mean(values, axis=-1) if is_vector else values

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "delta": self.delta}


def elementwise(y_true, y_pred, delta: float):
    """Computes the Huber loss of each element.

    Args:
        y_true: float32 tensor.
        y_pred: float32 tensor of the same shape.
        delta: Float above 0.

    Returns:
        float32 tensor of the same shape.
    """
    error = ops.abs(y_pred - y_true)
    near = ops.minimum(error, delta)
    return near * (error - 0.5 * near)
