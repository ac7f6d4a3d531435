"""Mean of values over all labels that were seen."""

import keras
from keras import ops

from mtl_keras import shapes


class WeightedMean(keras.metrics.Metric):
    """Keeps the sum of weighted values and the sum of their weights.

        mean = sum(weight * value) / sum(weight)

    Subclasses compute values in `update_state` and pass them to `add`. Sums
    are float32.

    Args:
        name: String.
        dtype: Accepted for Keras compatibility.

    Attributes:
        num_columns: Integer, where the metric keeps a mean for each column of
            a group of tasks, a vector; `None` for one mean of all labels. See
            `mtl_keras.groups.metrics`.
    """

    num_columns: int | None = None

    def __init__(self, name: str, dtype=None):
        super().__init__(name=name, dtype=dtype)
        shape = () if self.num_columns is None else (self.num_columns,)
        self.total = self.add_variable(shape, "zeros", "float32", name="total")
        self.count = self.add_variable(shape, "zeros", "float32", name="count")

    def add(self, values, sample_weight) -> None:
        """Adds the values of a batch.

        Args:
            values: Tensor of shape `(batch, ...)`, of any number type or
                boolean; may be NaN where the weight is 0.
            sample_weight: Tensor, one for each value or example, or `None`.

        Raises:
            ValueError: If the shapes do not fit.
        """
        weight = shapes.metric_weights(self.name, sample_weight, values)
        columns = self.num_columns
        self.total.assign_add(shapes.weighted_sum(values, weight, columns))
        self.count.assign_add(shapes.column_sum(weight, columns))

    def result(self):
        """Returns the mean so far, NaN if no label was seen."""
        return ops.divide(self.total, self.count)
