"""What the heads share that say something of each pixel."""

import abc
import math

from mtl_keras import checks
from mtl_keras.heads.head import Head


class MapHead(Head):
    """A head with an output for each pixel of an image.

    Scores are computed at the map's resolution and enlarged bilinearly, as in
    fully convolutional networks (Long et al., CVPR 2015,
    https://arxiv.org/abs/1411.4038).
    """

    @abc.abstractmethod
    def channels(self, task) -> int:
        """Returns the number of scores of a pixel."""

    @abc.abstractmethod
    def last_layer(self, task):
        """Makes the layer from scores to the output, named after the task."""

    def build(
        self,
        features,
        task,
        *,
        size: tuple[int, int] | None = None,
        hidden: int | None = None,
        dropout: float = 0.0,
    ):
        """Builds an output of shape `(batch, height, width, channels)`.

        Args:
            features: Keras tensor of shape `(batch, rows, columns, channels)`.
            task: `Task` of the output.
            size: As for `scores`.
            hidden: As for `scores`.
            dropout: As for `scores`.

        Returns:
            Keras tensor, float32.

        Raises:
            ValueError: As for `scores`.
        """
        pixels = scores(
            features,
            task,
            self.channels(task),
            size=size,
            hidden=hidden,
            dropout=dropout,
        )
        return self.last_layer(task)(pixels)


def scores(
    features,
    task,
    channels: int,
    *,
    size: tuple[int, int] | None = None,
    hidden: int | None = None,
    dropout: float = 0.0,
):
    """Builds scores of each pixel, at the map's resolution, then enlarged.

    Args:
        features: Keras tensor of shape `(batch, rows, columns, channels)`.
        task: `Task` of the output; the layers are named after it.
        channels: Integer, scores of a pixel.
        size: Pair of integers, height and width of the result, each at least
            the map's. Defaults to `None`, the map's.
        hidden: Integer, channels of a 3x3 convolution before the scores.
            Defaults to `None`, no such layer.
        dropout: Float in [0, 1), fraction of the map's channels dropped in
            training.

    Returns:
        Keras tensor of shape `(batch, height, width, channels)`, float32.

    Raises:
        ValueError: If the features are no map, or `size` is smaller.
    """
    from keras import layers

    name = task.name
    if len(features.shape) != 4:
        raise ValueError(
            f"Task {name!r} of kind {task.kind!r} needs a feature map of shape "
            "(batch, rows, columns, channels). Received: features of shape "
            f"{tuple(features.shape)}. Use a trunk that gives a map."
        )
    rows, columns = features.shape[1:3]
    height, width = (rows, columns) if size is None else size
    if size is not None:
        checks.integer("height of `size`", height, low=rows)
        checks.integer("width of `size`", width, low=columns)
    if hidden:
        features = layers.Conv2D(
            hidden,
            3,
            padding="same",
            activation="relu",
            name=f"{name}_hidden",
        )(features)
    if dropout:
        features = layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(
            features
        )
    result = layers.Conv2D(channels, 1, dtype="float32", name=f"{name}_scores")(
        features
    )
    if (height, width) == (rows, columns):
        return result
    factors = math.ceil(height / rows), math.ceil(width / columns)
    result = layers.UpSampling2D(
        factors, interpolation="bilinear", dtype="float32", name=f"{name}_up"
    )(result)
    surplus = rows * factors[0] - height, columns * factors[1] - width
    if any(surplus):
        # A map of 13 rows stands for 100 pixels, not for 104.
        result = layers.Cropping2D(
            [(0, surplus[0]), (0, surplus[1])],
            dtype="float32",
            name=f"{name}_cut",
        )(result)
    return result
