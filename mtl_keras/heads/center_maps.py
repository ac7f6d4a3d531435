"""Maps of the centres of objects and of the boxes around them."""

import keras
from keras import layers, ops

# Before training a box covers half of each axis.
_SCALE = 0.25
# Distances are e**-5 to e**2 times the scale.
_EXPONENTS = (-5.0, 2.0)


@keras.saving.register_keras_serializable(package="mtl_keras")
class CenterMaps(layers.Layer):
    """Makes probabilities and boxes of the scores and distances of positions.

    Position `(i, j)` has its centre at `c`; with distances `d` its box is
    `(c_x - e_0, c_y - e_1, c_x + e_2, c_y + e_3)`, `e = exp(d) / 4`, as
    fractions of the image.

    Input: a list of scores `(batch, rows, columns, num_classes)` and distances
    `(batch, rows, columns, 4)`. Output: `(batch, rows, columns, num_classes +
    4)`.
    """

    def call(self, inputs):
        """Joins the probabilities and the boxes."""
        scores, distances = (ops.cast(each, "float32") for each in inputs)
        rows, columns = ops.shape(distances)[1:3]
        y = (ops.arange(rows, dtype="float32") + 0.5) / rows
        x = (ops.arange(columns, dtype="float32") + 0.5) / columns
        x, y = ops.meshgrid(x, y)
        centre = ops.expand_dims(ops.stack([x, y, x, y], axis=-1), 0)
        outwards = ops.convert_to_tensor([-_SCALE, -_SCALE, _SCALE, _SCALE])
        boxes = centre + ops.exp(ops.clip(distances, *_EXPONENTS)) * outwards
        return ops.concatenate([ops.sigmoid(scores), boxes], axis=-1)

    def compute_output_shape(self, input_shape):
        """Adds four channels to those of the scores."""
        scores, _ = input_shape
        return *scores[:-1], scores[-1] + 4
