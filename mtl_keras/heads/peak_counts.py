"""The number of peaks in maps of probabilities."""

import keras
from keras import layers, ops

from mtl_keras import checks

# A peak counts by a smooth step at these probabilities.
_THRESHOLDS = (0.15, 0.3, 0.45)
_STEEPNESS = 20.0


@keras.saving.register_keras_serializable(package="mtl_keras")
class PeakCounts(layers.Layer):
    """Counts the peaks of maps, as a weighted sum over thresholds.

    A peak `p`, a probability that is the highest among its eight neighbours,
    counts `sigmoid(20 (p - t))` for each threshold `t` of 0.15, 0.3 and 0.45;
    the weights of the three are learnt, one of each class, from a third on.

    Input: `(batch, rows, columns, num_classes + 4)`, as of `CenterMaps`.
    Output: `(batch, num_classes)`.

    Args:
        num_classes: Integer.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, num_classes: int, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = checks.integer("num_classes", num_classes, low=1)

    def build(self, input_shape):
        """Makes the weights of the thresholds."""
        self.weight = self.add_weight(
            shape=(self.num_classes, len(_THRESHOLDS)),
            initializer=keras.initializers.Constant(1 / len(_THRESHOLDS)),
            dtype="float32",
            name="weight",
        )

    def call(self, maps):
        """Counts the peaks."""
        heat = ops.cast(maps[..., : self.num_classes], "float32")
        highest = ops.max_pool(heat, 3, strides=1, padding="same")
        is_peak = ops.cast(heat >= ops.stop_gradient(highest), "float32")
        is_peak = ops.expand_dims(is_peak, -1)
        steps = ops.convert_to_tensor(_THRESHOLDS, "float32")
        steps = ops.sigmoid(_STEEPNESS * (ops.expand_dims(heat, -1) - steps))
        # What is below all thresholds adds up over the positions.
        return ops.sum(is_peak * steps * self.weight, axis=(1, 2, 4))

    def compute_output_shape(self, input_shape):
        """Returns a number for each class."""
        return input_shape[0], self.num_classes

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "num_classes": self.num_classes}
