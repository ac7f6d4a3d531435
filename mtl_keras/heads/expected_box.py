"""Boxes from unconstrained outputs: always ordered, inside the image."""

import keras
from keras import layers, ops

from mtl_keras.heads import attention

# Fraction of the image by which distances are scaled: before training, where
# they are near softplus(0) = 0.7, a box covers a third of each axis.
_SCALE = 0.25


@keras.saving.register_keras_serializable(package="mtl_keras")
class ExpectedBox(layers.Layer):
    """Averages the boxes that all positions of a map predict.

    Position `(i, j)` has its centre at `c`; with distances `d` its box is
    `(c_x - e_0, c_y - e_1, c_x + e_2, c_y + e_3)`, `e = softplus(d) / 4`, as
    fractions of the image. The output is the mean, weighted by the softmax of
    the scores, and clipped to the image; the gradient is that of the box
    before clipping, so that a side beyond the edge still learns.

    Input: a list of distances `(batch, height, width, 4)` and scores
    `(batch, height, width, 1)`. Output: `(batch, 4)`, `x1, y1, x2, y2`.
    """

    def call(self, inputs):
        """Averages the boxes."""
        distances, scores = inputs
        height, width = ops.shape(distances)[1:3]
        y = (ops.arange(height, dtype="float32") + 0.5) / height
        x = (ops.arange(width, dtype="float32") + 0.5) / width
        x, y = ops.meshgrid(x, y)
        centre = ops.expand_dims(ops.stack([x, y, x, y], axis=-1), 0)
        distances = ops.softplus(ops.cast(distances, "float32"))
        outwards = ops.convert_to_tensor([-_SCALE, -_SCALE, _SCALE, _SCALE])
        weights = attention.spatial_softmax(scores)
        box = ops.sum((centre + distances * outwards) * weights, axis=(1, 2))
        clipped = ops.clip(box, 0.0, 1.0)
        # Adds exactly 0, and the gradient of the box before clipping.
        return ops.stop_gradient(clipped) + (box - ops.stop_gradient(box))

    def compute_output_shape(self, input_shape):
        """Returns four numbers for each example."""
        return input_shape[0][0], 4


@keras.saving.register_keras_serializable(package="mtl_keras")
class CornerBox(layers.Layer):
    """Makes a box from four fractions `f` in [0, 1].

    The upper left corner is `(f_0, f_1)`; the lower right one lies at the
    fractions `(f_2, f_3)` of the distance from there to the image's.

    Input: `(batch, 4)`. Output: `(batch, 4)`, `x1, y1, x2, y2`.
    """

    def call(self, inputs):
        """Makes the boxes."""
        corner, size = inputs[:, :2], inputs[:, 2:]
        return ops.concatenate(
            [corner, corner + (1.0 - corner) * size], axis=-1
        )

    def compute_output_shape(self, input_shape):
        """Returns four numbers for each example."""
        return input_shape
