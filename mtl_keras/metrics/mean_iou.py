"""Mean overlap of boxes."""

import keras
from keras import ops

from mtl_keras import shapes
from mtl_keras.metrics.iou import iou


@keras.saving.register_keras_serializable(package="mtl_keras")
class MeanIoU(keras.metrics.Metric):
    """Mean intersection over union of predicted boxes with the true ones.

        iou = sum(weight * iou(box_true, box_pred)) / sum(weight)

    A predicted box that is crossed (`x2 < x1`) counts 0. NaN where no box was
    seen. (Not Keras's metric of this name, which is about confusion matrices.)

    Args:
        name: String. Defaults to `"iou"`.
        dtype: Taken for Keras's sake; sums are float32.
    """

    def __init__(self, name: str = "iou", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.overlap = self.add_variable((), "zeros", "float32", name="overlap")
        self.count = self.add_variable((), "zeros", "float32", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of boxes `x1, y1, x2, y2`, shape `(..., 4)`.
            y_pred: Tensor of the same shape.
            sample_weight: Tensor, one for each box or example, or of the
                boxes' shape (a box counts if all four do); 0 leaves a box out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.boxes(self.name, y_true, y_pred)
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight)
            if len(sample_weight.shape) == len(y_true.shape) and (
                sample_weight.shape[-1] == 4
            ):
                sample_weight = ops.min(sample_weight, axis=-1)
        overlap = iou(y_true, y_pred, ops)
        weight = shapes.metric_weights(self.name, sample_weight, overlap)
        self.overlap.assign_add(shapes.weighted_sum(overlap, weight))
        self.count.assign_add(ops.sum(weight))

    def result(self):
        """Returns the mean so far, NaN where no box was seen."""
        return ops.divide(self.overlap, self.count)
