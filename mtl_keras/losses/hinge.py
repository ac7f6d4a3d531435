"""Hinge loss of binary labels: the support vector machine's."""

import keras
from keras import ops

from mtl_keras import shapes
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class Hinge(Loss):
    """Computes `max(0, 1 - s * score)` with `s` = 1 of a positive label.

    `s` is -1 of every other label, so that 0 and 1 as well as -1 and 1 are
    understood, as by Keras. In a task of the kind `"presence"` labels are 0
    and 1, and -1 marks a missing one; an output without a task may have the
    labels -1 and 1, and NaN marks a missing one.

    Predictions are scores, not probabilities: a positive one means the label
    1. A linear head with a penalty on its weights is a linear support vector
    machine (Cortes and Vapnik, 1995).

    Labels of shape `(...)` or `(..., 1)` with predictions of shape `(..., 1)`
    give values of shape `(...)`.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"hinge"`.
    """

    default_name = "hinge"
    #: Metrics put the threshold at 0, and heads add no activation.
    from_logits = True
    reads_scores = True

    def call(self, y_true, y_pred):
        """Computes a value for each label.

        Args:
            y_true: Tensor of labels, positive or not.
            y_pred: Tensor of scores.

        Returns:
            float32 tensor, see the class.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        y, score = shapes.paired(self.name, y_true, y_pred)
        sign = ops.where(y > 0, 1.0, -1.0)
        return ops.relu(1.0 - sign * score)
