"""Means over the labels of an epoch, however uneven its batches."""

import math

import keras
from keras import ops


class LabelMeans(keras.metrics.Metric):
    """Means over labels: sums of weighted values over counts of labels.

    Sums and counts are stored separately, so an uneven last batch, missing
    labels and several replicas all give the mean over every label of the
    epoch. One vector holds all tasks: a step costs the same for 3 and for 40.

    Args:
        num_means: Integer.
        name: String.
    """

    def __init__(self, num_means: int, name: str):
        super().__init__(name=name, dtype="float32")
        self.totals = self.add_variable((num_means,), "zeros", name="totals")
        self.counts = self.add_variable((num_means,), "zeros", name="counts")

    def update_state(self, totals, counts):
        """Adds a batch.

        Args:
            totals: Tensor of shape `(num_means,)`, sums over the batch.
            counts: Tensor of shape `(num_means,)`, numbers of labels summed.
        """
        self.totals.assign_add(ops.cast(totals, "float32"))
        self.counts.assign_add(ops.cast(counts, "float32"))

    def result(self):
        """Returns the means so far; NaN where no label was seen."""
        return ops.where(self.is_seen(), self.finite_means(), math.nan)

    def is_seen(self):
        """Tells which means are over a label at least, as a boolean tensor."""
        return ops.convert_to_tensor(self.counts) != 0

    def finite_means(self):
        """Returns the means so far; 0 where no label was seen."""
        totals = ops.convert_to_tensor(self.totals)
        counts = ops.convert_to_tensor(self.counts)
        # Not a maximum with 1: sums of weights may be less.
        return totals / ops.where(counts == 0, 1.0, counts)
