"""The number of peaks in maps of probabilities."""

import keras
from keras import layers, ops

from mtl_keras import checks

# A peak counts by a smooth step at these probabilities.
_THRESHOLDS = (0.15, 0.3, 0.45)
_STEEPNESS = 20.0
# What is lower than the highest neighbour by this much is no peak. Not 0: which
# of two equal neighbours is higher would depend on the rounding of a backend.
_TOLERANCE = 0.02


@keras.saving.register_keras_serializable(package="mtl_keras")
class PeakCounts(layers.Layer):
    """Counts the peaks of maps, as a weighted sum over thresholds.

    A probability `p` counts `relu(1 - (h - p) / 0.02)` as a peak, with `h` the
    highest of it and its eight neighbours; a peak counts `sigmoid(20 (p - t)) -
    sigmoid(-20 t)` for each threshold `t` of 0.15, 0.3 and 0.45; the weights of
    the three are learnt for each class, from a third on. So the number is a
    continuous function of the maps.

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
        # The slope of 50 would rule the gradient of the maps.
        peak = ops.stop_gradient(ops.relu(1.0 - (highest - heat) / _TOLERANCE))
        thresholds = ops.convert_to_tensor(_THRESHOLDS, "float32")
        # Positions where nothing is count 0, or they would add up.
        steps = ops.sigmoid(
            _STEEPNESS * (ops.expand_dims(heat, -1) - thresholds)
        ) - ops.sigmoid(-_STEEPNESS * thresholds)
        return ops.sum(
            ops.expand_dims(peak, -1) * steps * self.weight, axis=(1, 2, 4)
        )

    def compute_output_shape(self, input_shape):
        """Returns a number for each class."""
        return input_shape[0], self.num_classes

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "num_classes": self.num_classes}
