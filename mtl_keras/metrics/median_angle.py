"""Median angle between directions."""

import math

import keras
from keras import ops

from mtl_keras import shapes
from mtl_keras.losses.angular import angle

# Bins of a degree: the median is exact to a 32nd of one at least.
_BINS = 32
_NUM_BINS = 180 * _BINS


@keras.saving.register_keras_serializable(package="mtl_keras")
class MedianAngle(keras.metrics.Metric):
    """Median angle between true and predicted directions, in degrees.

    A usual metric of surface normals (Fouhey et al., ICCV 2013), the weighted
    median over all labels seen. Directions are as in `AngularError`. NaN if no
    label was seen.

    Angles are counted in bins of a 32nd of a degree, and the median is
    interpolated within its bin: the angles of a whole split need not be kept.
    Counts are exact up to 2**24 labels.

    Args:
        name: String. Defaults to `"median_angle"`.
        dtype: Accepted for Keras compatibility; counts are float32.
    """

    def __init__(self, name: str = "median_angle", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.counts = self.add_variable(
            (_NUM_BINS,), "zeros", "float32", name="counts"
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of directions, shape `(..., size)`.
            y_pred: Tensor of the same shape.
            sample_weight: As for `AngularError`.

        Raises:
            ValueError: If the shapes do not fit.
        """
        angles = angle(self.name, y_true, y_pred)
        weight = shapes.metric_weights(
            self.name, shapes.vector_weights(sample_weight, y_pred), angles
        )
        # Not NaN, which no bin is for.
        angles = ops.where(weight > 0, angles, 0.0)
        bins = ops.cast(angles * (_BINS * 180.0 / math.pi), "int32")
        counts = ops.segment_sum(
            ops.reshape(weight, (-1,)),
            ops.reshape(ops.clip(bins, 0, _NUM_BINS - 1), (-1,)),
            num_segments=_NUM_BINS,
        )
        self.counts.assign_add(counts)

    def result(self):
        """Returns the median so far, NaN if no label was seen."""
        counts = ops.convert_to_tensor(self.counts)
        below = ops.cumsum(counts)
        half = 0.5 * below[-1]
        # The first bin with which half of the labels are reached.
        is_before = ops.cast(below < half, "float32")
        bin_number = ops.cast(ops.sum(is_before), "int32")
        place = ops.cast(ops.arange(_NUM_BINS), "int32") == bin_number
        count = ops.sum(ops.where(place, counts, 0.0))
        before = ops.sum(ops.where(place, below, 0.0)) - count
        inside = ops.divide_no_nan(half - before, count)
        median = (ops.cast(bin_number, "float32") + inside) / _BINS
        return ops.where(below[-1] > 0, median, float("nan"))
