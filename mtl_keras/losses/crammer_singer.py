"""Hinge loss of several classes.

Crammer and Singer, JMLR 2, 2001,
https://www.jmlr.org/papers/v2/crammer01a.html.
"""

import keras
from keras import ops

from mtl_keras import shapes
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class CrammerSinger(Loss):
    """Computes `max(0, 1 + largest other score - score of the label)`.

    Predictions are scores, not probabilities; the largest one decides. Labels
    are class numbers of shape `(...)` or `(..., 1)`, or one-hot of shape
    `(..., num_classes)`; predictions have shape `(..., num_classes)`; values
    have shape `(...)`.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"crammer_singer"`.
    """

    default_name = "crammer_singer"
    from_logits = True
    reads_scores = True

    def call(self, y_true, y_pred):
        """Computes a value for each label.

        Args:
            y_true: Tensor of labels.
            y_pred: Tensor of scores.

        Returns:
            float32 tensor of shape `(...)`.

        Raises:
            ValueError: If the shapes do not fit or there is one class only.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        labels = shapes.class_probabilities(self.name, y_true, y_pred)
        if y_pred.shape[-1] == 1:
            raise ValueError(
                f"{self.name!r} expects scores of two or more classes. "
                f"{shapes.received(y_true, y_pred)}. 'hinge' takes one score."
            )
        own = ops.sum(labels * y_pred, axis=-1)
        # The label's own score never is the largest other one.
        others = ops.where(labels > 0.5, -1e30, y_pred)
        return ops.relu(1.0 + ops.max(others, axis=-1) - own)
