"""Scale-invariant error of log-depth."""

import keras
from keras import ops

from mtl_keras import checks, shapes
from mtl_keras.metrics import images
from mtl_keras.metrics.weighted_mean import WeightedMean


@keras.saving.register_keras_serializable(package="mtl_keras")
class SILog(WeightedMean):
    """Root mean squared error of log-depth, ignoring a common factor.

    With `d = log(y_pred) - log(y_true)` at the labelled pixels of one image
    (Eigen et al., NeurIPS 2014, https://arxiv.org/abs/1406.2283, equation 1):

        silog = mean over images (sqrt(mean(d ** 2) - mean(d) ** 2))

    The mean is over images with a label. Depths have shape `(batch, ...)`; an
    axis of 1 at the end may be missing. NaN if no label was seen.

    Args:
        smallest: Float above 0, in the unit of depth; smaller labels and
            predictions are raised to it. Defaults to 0.001.
        name: String. Defaults to `"silog"`.
        dtype: Accepted for Keras compatibility; sums are float32.

    Note:
        KITTI's benchmark multiplies this by 100.
    """

    def __init__(self, smallest: float = 1e-3, name: str = "silog", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.smallest = checks.number("smallest", smallest, above=0)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of depths.
            y_pred: Tensor of depths, in the same unit.
            sample_weight: Tensor, one for each pixel or image; 0 leaves a
                pixel out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.as_tensors(y_true, y_pred)
        y, p = shapes.paired(self.name, y_true, y_pred)
        weight = shapes.metric_weights(self.name, sample_weight, p)
        log_y = ops.log(ops.maximum(ops.cast(y, "float32"), self.smallest))
        error = ops.log(ops.maximum(p, self.smallest)) - log_y
        count = images.per_image(ops.ones_like(p), weight)
        mean = ops.divide_no_nan(images.per_image(error, weight), count)
        for _ in images.pixel_axes(p):
            mean = ops.expand_dims(mean, axis=-1)
        squares = images.per_image(ops.square(error - mean), weight)
        variance = ops.divide_no_nan(squares, count)
        self.add(ops.sqrt(variance), images.image_weight(weight))

    def get_config(self) -> dict:
        """Returns the arguments as plain data."""
        return {**super().get_config(), "smallest": self.smallest}
