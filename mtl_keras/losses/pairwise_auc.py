"""A differentiable surrogate of the area under the ROC curve."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.losses import coupling
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class PairwiseAUC(Loss):
    """Penalizes pairs of a positive and a negative example in the wrong order.

    The area under the ROC curve is the fraction of such pairs in which the
    positive has the higher probability. With `p_i` that of a positive and
    `p_j` that of a negative (Yan, Dodier, Mozer and Wolniewicz, ICML 2003,
    equation 7, divided by the number of pairs):

        loss = mean over pairs (max(0, margin - (p_i - p_j)) ** power)

    Each of several binary labels, and each class against the rest, has its own
    area; the loss is the mean over those with both positives and negatives in
    the batch, and 0 if there are none.

    The area is not a mean over examples. The value of a label is half the loss
    of the pairs it is in, scaled so that the mean of the values is the loss.
    Memory grows with the square of the batch size.

    Binary labels: predictions of shape `(..., 1)`. Several of them:
    predictions of the labels' shape `(..., num_labels)`. Classes: class
    numbers of shape `(...)` or `(..., 1)`, predictions of shape
    `(..., num_classes)`. Values have shape `(...)`, or the labels'.

    Args:
        margin: Float in (0, 1], the lead required of a positive. The paper
            recommends 0.1 to 0.7. Defaults to 0.7.
        power: Float above 1. Defaults to 2, as in the paper.
        reduction: As in `keras.losses.Loss`.
        name: String. Defaults to `"pairwise_auc"`.
    """

    couples_labels = True

    def __init__(
        self,
        margin: float = 0.7,
        power: float = 2.0,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "pairwise_auc",
    ):
        super().__init__(reduction=reduction, name=name)
        self.margin = checks.number("margin", margin, above=0, high=1)
        self.power = checks.number("power", power, above=1)

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
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        is_binary = shapes.is_binary(y_true, y_pred)
        if is_binary:
            y, p = shapes.paired(self.name, y_true, y_pred)
            y = ops.cast(y, "float32")
            is_present = coupling.mask(self.name, present, p)
            by_column = is_present
            has_columns = p is y_pred and len(p.shape) > 1
            columns = p.shape[-1] if has_columns else 1
        else:
            y = shapes.class_probabilities(self.name, y_true, y_pred)
            p, columns = y_pred, y_pred.shape[-1]
            is_present = coupling.mask(self.name, present, p[..., 0])
            by_column = ops.broadcast_to(
                ops.expand_dims(is_present, axis=-1), ops.shape(p)
            )
        rows = (-1, columns)
        p = ops.reshape(coupling.where_present(p, by_column), rows)
        counts = ops.reshape(ops.cast(by_column, "float32"), rows)
        y = ops.reshape(
            ops.cast(coupling.where_present(y, by_column) > 0.5, "int32"), rows
        )
        positive = counts * ops.cast(y, "float32")
        contribution = self._contributions(p, positive, counts - positive)
        if not is_binary:
            contribution = ops.sum(contribution, axis=-1)
        contribution = ops.reshape(contribution, ops.shape(is_present))
        return coupling.count(is_present) * contribution

    def _contributions(self, p, positive, negative):
        """Distributes the loss; all have shape `(examples, columns)`."""
        lead = ops.expand_dims(p, 1) - ops.expand_dims(p, 0)
        lack = ops.maximum(self.margin - lead, 0.0)
        cost = ops.power(lack, self.power)
        cost = (
            cost * ops.expand_dims(positive, 1) * ops.expand_dims(negative, 0)
        )
        by_example = 0.5 * (ops.sum(cost, axis=1) + ops.sum(cost, axis=0))
        pairs = ops.sum(positive, axis=0) * ops.sum(negative, axis=0)
        return coupling.ratio(by_example, pairs) / coupling.count(pairs > 0)

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {
            **super().get_config(),
            "margin": self.margin,
            "power": self.power,
        }
