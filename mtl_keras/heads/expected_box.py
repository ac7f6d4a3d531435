"""Boxes from what a network gives freely: always ordered, in the image."""

import keras
from keras import layers, ops

from mtl_keras.heads import attention

# The distance of each side that a place starts from, as a share of the image.
_START = 0.25


@keras.saving.register_keras_serializable(package="mtl_keras")
class ExpectedBox(layers.Layer):
    """Averages the boxes that all places of a map give.

    Place `(i, j)` has its centre at `c`; with distances `d` its box is
    `(c_x - e_0, c_y - e_1, c_x + e_2, c_y + e_3)`, `e = softplus(d) / 4`, as
    shares of the image. The answer is the mean by the softmax of the scores,
    cut off at the image's edges; the gradient is that of the box before the
    cut, so that a side beyond the edge is still pulled back.

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
        outwards = ops.convert_to_tensor([-_START, -_START, _START, _START])
        share = attention.shares(scores)
        box = ops.sum((centre + distances * outwards) * share, axis=(1, 2))
        cut = ops.clip(box, 0.0, 1.0)
        # Adds exactly 0, and the gradient of the box before the cut.
        return ops.stop_gradient(cut) + (box - ops.stop_gradient(box))

    def compute_output_shape(self, input_shape):
        """Four numbers an example."""
        return input_shape[0][0], 4


@keras.saving.register_keras_serializable(package="mtl_keras")
class CornerBox(layers.Layer):
    """Makes a box of four shares `s` in [0, 1].

    The upper left corner is `(s_0, s_1)`, the lower right one lies at the
    shares `(s_2, s_3)` of the way from there to the image's.

    Input: `(batch, 4)`. Output: `(batch, 4)`, `x1, y1, x2, y2`.
    """

    def call(self, inputs):
        """Makes the boxes."""
        first, way = inputs[:, :2], inputs[:, 2:]
        return ops.concatenate([first, first + (1.0 - first) * way], axis=-1)

    def compute_output_shape(self, input_shape):
        """Four numbers an example."""
        return input_shape
