"""What the metrics share that average an error over all labels."""

import abc

from keras import ops

from mtl_keras import shapes
from mtl_keras.metrics.weighted_mean import WeightedMean


class MeanError(WeightedMean):
    """Mean over all labels of an error that subclasses define in `error`.

        mean = sum(weight * error(y_true, y_pred)) / sum(weight)

    Every element of a label counts by itself, so that elements of a vector may
    be missing; Keras's metrics average the last axis first. NaN if no label
    was seen.

    Args:
        name: String.
        dtype: Accepted for Keras compatibility; sums are float32.
    """

    @abc.abstractmethod
    def error(self, y_true, y_pred):
        """Computes the error of each label.

        Args:
            y_true: float32 tensor of labels.
            y_pred: float32 tensor of the same shape.

        Returns:
            Tensor of the same shape.
        """

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
        true, pred = shapes.paired(self.name, y_true, y_pred)
        error = self.error(ops.cast(true, "float32"), pred)
        self.add(error, sample_weight)
