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
    """

    def __init__(self, name: str, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", "float32", name="total")
        self.count = self.add_variable((), "zeros", "float32", name="count")

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
        self.total.assign_add(shapes.weighted_sum(values, weight))
        self.count.assign_add(ops.sum(weight))

    def result(self):
        """Returns the mean so far, NaN if no label was seen."""
        return ops.divide(self.total, self.count)
