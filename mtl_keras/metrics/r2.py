"""Coefficient of determination."""

import keras
from keras import ops

from mtl_keras import checks, engine, shapes


@keras.saving.register_keras_serializable(package="mtl_keras")
class R2(keras.metrics.Metric):
    """Fraction of the labels' variance that the predictions explain.

        r2 = 1 - sum((y_pred - y_true) ** 2) / sum((y_true - mean) ** 2)

    with the mean over all labels seen. Batches are merged by their means and
    squared deviations (Chan, Golub and LeVeque, Updating formulae, 1979), so
    that a large mean loses no precision. NaN if no label was seen or all are
    equal.

    Args:
        num_outputs: Integer. With more than 1, labels are vectors of this
            length, R2 is computed for each element, and the result is the mean
            over those where it is defined, as in scikit-learn. Defaults to 1,
            all labels together.
        name: String. Defaults to `"r2"`.
        dtype: Accepted for Keras compatibility; sums are float32.

    Attributes:
        num_columns: Integer, where the result is a vector with R2 of each
            column of a group of tasks; see `mtl_keras.groups.metrics`.
    """

    num_columns: int | None = None

    def __init__(self, num_outputs: int = 1, name: str = "r2", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.num_outputs = checks.integer("num_outputs", num_outputs, low=1)
        self._size = self.num_columns or self.num_outputs
        self.count = self._row("count")
        self.mean = self._row("mean")
        self.deviation = self._row("deviation")
        self.residual = self._row("residual")

    def _row(self, name):
        shape = (self._size,)
        return self.add_variable(shape, "zeros", "float32", name=name)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of numbers.
            y_pred: Tensor of the same shape; an axis of 1 at the end may be
                missing in either.
            sample_weight: Tensor, one for each label or example; 0 leaves a
                label out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        y, p = shapes.paired(self.name, y_true, y_pred)
        if self.num_outputs > 1 and p.shape[-1] != self.num_outputs:
            raise ValueError(
                f"Metric {self.name!r} expects labels of {self.num_outputs} "
                f"elements. {shapes.received(y_true, y_pred)}"
            )
        weight = shapes.metric_weights(self.name, sample_weight, p)
        rows = (-1, self._size)
        weight = ops.reshape(weight, rows)
        y = _counted(ops.reshape(ops.cast(y, "float32"), rows), weight)
        p = _counted(ops.reshape(p, rows), weight)
        # Sums of the whole batch, so that every replica keeps the same state.
        # Keras adds up the replicas' states: a multiple, which cancels in R2.
        count, total = engine.sum_over_replicas(
            [ops.sum(weight, axis=0), ops.sum(weight * y, axis=0)]
        )
        mean = ops.divide_no_nan(total, count)
        deviation, residual = engine.sum_over_replicas(
            [
                ops.sum(weight * ops.square(y - mean), axis=0),
                ops.sum(weight * ops.square(y - p), axis=0),
            ]
        )
        before = ops.convert_to_tensor(self.count)
        step = mean - ops.convert_to_tensor(self.mean)
        fraction = ops.divide_no_nan(count, before + count)
        self.deviation.assign_add(
            deviation + ops.square(step) * before * fraction
        )
        self.residual.assign_add(residual)
        self.mean.assign_add(step * fraction)
        self.count.assign_add(count)

    def result(self):
        """Returns R2 so far, NaN if all labels are equal."""
        deviation = ops.convert_to_tensor(self.deviation)
        residual = ops.convert_to_tensor(self.residual)
        differs = deviation > 0
        r2 = ops.where(
            differs, 1.0 - residual / ops.where(differs, deviation, 1.0), 0.0
        )
        if self.num_columns is not None:
            return ops.where(differs, r2, float("nan"))
        return ops.divide(ops.sum(r2), ops.sum(ops.cast(differs, "float32")))

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "num_outputs": self.num_outputs}


def _counted(values, weight):
    return ops.where(weight > 0, values, 0.0)
