"""A loss that stands for the area under the ROC curve (Yan et al., 2003)."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.losses import coupling
from mtl_keras.losses.loss import Loss


@keras.saving.register_keras_serializable(package="mtl_keras")
class PairwiseAUC(Loss):
    """Punishes pairs of a positive and a negative example in a wrong order.

    The area under the ROC curve is the share of such pairs in which the
    positive has the higher probability. With `p_i` that of a positive and
    `p_j` that of a negative (Yan, Dodier, Mozer and Wolniewicz, ICML 2003,
    equation 7, divided by the number of pairs):

        loss = mean over pairs (max(0, margin - (p_i - p_j)) ** power)

    Several labels, each yes or no, and classes, each against the rest, have
    an area each; the loss is the mean over those of which the batch has both
    positives and negatives, and 0 if there is none.

    The area is no mean over examples. The value of one label is half of the
    pairs it is in, as a share of all, times the number of labels: the mean of
    the values is the loss. It takes the square of the batch in memory.

    Yes or no: predictions of shape `(..., 1)`. Several labels: predictions of
    the labels' shape `(..., num_labels)`. Classes: class numbers of shape
    `(...)` or `(..., 1)`, predictions of shape `(..., num_classes)`. Values
    have shape `(...)`, or the labels'.

    Args:
        margin: Float in (0, 1], by how much a positive should lead. The paper
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
        """Computes each label's share of the loss.

        Args:
            y_true: Tensor of labels.
            y_pred: Tensor of probabilities.
            present: Boolean tensor of the labels' shape, `False` where a
                label is missing; `None` if none is.

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
            kept = coupling.mask(self.name, present, p)
            by_column = kept
            has_columns = p is y_pred and len(p.shape) > 1
            columns = p.shape[-1] if has_columns else 1
        else:
            y = shapes.class_probabilities(self.name, y_true, y_pred)
            p, columns = y_pred, y_pred.shape[-1]
            kept = coupling.mask(self.name, present, p[..., 0])
            by_column = ops.broadcast_to(
                ops.expand_dims(kept, axis=-1), ops.shape(p)
            )
        rows = (-1, columns)
        p = ops.reshape(coupling.keep(p, by_column), rows)
        there = ops.reshape(ops.cast(by_column, "float32"), rows)
        y = ops.reshape(
            ops.cast(coupling.keep(y, by_column) > 0.5, "int32"), rows
        )
        positive = there * ops.cast(y, "float32")
        share = self._shares(p, positive, there - positive)
        if is_binary:
            share = ops.reshape(share, ops.shape(kept))
        else:
            share = ops.reshape(ops.sum(share, axis=-1), ops.shape(kept))
        return coupling.count(kept) * share

    def _shares(self, p, positive, negative):
        """Shares the loss out; all of shape `(examples, columns)`."""
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
