"""Mean overlap of boxes."""

import keras
from keras import ops

from mtl_keras import shapes
from mtl_keras.metrics.iou import iou
from mtl_keras.metrics.weighted_mean import WeightedMean


@keras.saving.register_keras_serializable(package="mtl_keras")
class MeanIoU(WeightedMean):
    """Mean intersection over union of predicted and true boxes.

        iou = sum(weight * iou(box_true, box_pred)) / sum(weight)

    A predicted box that is inverted (`x2 < x1`) counts 0. NaN if no box was
    seen. (Keras's metric of this name measures confusion matrices instead.)

    Args:
        name: String. Defaults to `"iou"`.
        dtype: Accepted for Keras compatibility; sums are float32.
    """

    def __init__(self, name: str = "iou", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Tensor of boxes `x1, y1, x2, y2`, shape `(..., 4)`.
            y_pred: Tensor of the same shape.
            sample_weight: Tensor, one for each box or example, or of the
                boxes' shape (the smallest of a box's four weights counts); 0
                leaves a box out.

        Raises:
            ValueError: If the shapes do not fit.
        """
        y_true, y_pred = shapes.boxes(self.name, y_true, y_pred)
        weight = shapes.vector_weights(sample_weight, y_pred)
        self.add(iou(y_true, y_pred, ops), weight)
