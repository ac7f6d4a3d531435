"""Boxes from unconstrained outputs: always ordered, inside the image."""

import keras
from keras import layers, ops

from mtl_keras import checks
from mtl_keras.heads import attention

# Fraction of the image by which distances are scaled: before training, where
# they are near softplus(0) = 0.7, a box covers a third of each axis.
_SCALE = 0.25
# As good as no area or overlap.
_NONE = 1e-9


@keras.saving.register_keras_serializable(package="mtl_keras")
class ExpectedBox(layers.Layer):
    """Averages the boxes that all positions of a map predict.

    Position `(i, j)` has its centre at `c`; with distances `d` its box is
    `(c_x - e_0, c_y - e_1, c_x + e_2, c_y + e_3)`, `e = softplus(d) / 4`, as
    fractions of the image. The output is the mean, weighted by the softmax of
    the scores, and clipped to the image; the gradient is that of the box
    before clipping, so that a side beyond the edge still learns.

    Among several objects the mean may lie between them. With `voting` the
    weights in inference are multiplied by each box's overlap (IoU) with the
    box of the highest expected overlap, so that boxes of one object are
    averaged. Averaging boxes that overlap with a chosen one is the box voting
    of Gidaris and Komodakis (ICCV 2015, https://arxiv.org/abs/1505.01749);
    the choice and the soft weights are ours.

    Input: a list of distances `(batch, height, width, 4)` and scores
    `(batch, height, width, 1)`. Output: `(batch, 4)`, `x1, y1, x2, y2`.

    Args:
        voting: Boolean. Defaults to `False`. Memory grows with the square of
            the number of positions.
        **kwargs: As for `keras.layers.Layer`.
    """

    def __init__(self, voting: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.voting = checks.boolean("voting", voting)

    def call(self, inputs, training=False):
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
        boxes = centre + distances * outwards
        if self.voting and not training:
            weights = _voted(boxes, weights)
        box = ops.sum(boxes * weights, axis=(1, 2))
        clipped = ops.clip(box, 0.0, 1.0)
        # Adds exactly 0, and the gradient of the box before clipping.
        return ops.stop_gradient(clipped) + (box - ops.stop_gradient(box))

    def compute_output_shape(self, input_shape):
        """Returns four numbers for each example."""
        return input_shape[0][0], 4

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "voting": self.voting}


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


def _voted(boxes, weights):
    """Multiplies weights by the overlap with the best box of the map.

    Args:
        boxes: Tensor of shape `(batch, height, width, 4)`.
        weights: Tensor of shape `(batch, height, width, 1)` that sums to 1.

    Returns:
        Tensor of the shape of `weights` that sums to 1.
    """
    batch = ops.shape(weights)[0]
    flat = ops.reshape(ops.clip(boxes, 0.0, 1.0), (batch, -1, 4))
    overlaps = _overlaps(flat[:, :, None], flat[:, None])
    # If each box were the truth with its weight's probability: the IoU that
    # each box has on average.
    expected = ops.matmul(overlaps, ops.reshape(weights, (batch, -1, 1)))
    is_best = ops.equal(expected, ops.max(expected, axis=1, keepdims=True))
    is_best = ops.cast(is_best, "float32")
    agreement = ops.matmul(overlaps, is_best) / ops.sum(
        is_best, axis=1, keepdims=True
    )
    # Where all boxes are empty, none agrees, and the weights are unchanged.
    votes = weights * (ops.reshape(agreement, ops.shape(weights)) + _NONE)
    return votes / ops.sum(votes, axis=(1, 2), keepdims=True)


def _overlaps(first, second):
    """Computes the IoU of boxes `(..., 4)`; 0 where the union is empty."""

    def area(low, high):
        sides = ops.maximum(high - low, 0.0)
        return sides[..., 0] * sides[..., 1]

    common = area(
        ops.maximum(first[..., :2], second[..., :2]),
        ops.minimum(first[..., 2:], second[..., 2:]),
    )
    union = area(first[..., :2], first[..., 2:])
    union = union + area(second[..., :2], second[..., 2:]) - common
    return common / ops.maximum(union, _NONE)
