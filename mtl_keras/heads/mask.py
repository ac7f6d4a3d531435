"""A class for each pixel of an image."""

import math

from mtl_keras import checks
from mtl_keras.heads.head import ClassesHead


class MaskHead(ClassesHead):
    """Predicts a probability for each class and pixel.

    A label is a map of class numbers; -1 marks a pixel without a label, and a
    map of -1 an image without one. Metrics are the intersection over union,
    logged as `iou` (see `metrics.Jaccard`), and `dice`.
    """

    kind = "mask"
    loss = "cross_entropy"
    metrics = ("jaccard", "dice")
    label_shape = (None, None)

    def build(
        self,
        features,
        task,
        *,
        size: tuple[int, int] | None = None,
        hidden: int | None = None,
        dropout: float = 0.0,
    ):
        """Builds probabilities of shape `(batch, height, width, num_classes)`.

        Scores are computed at the map's resolution and enlarged bilinearly,
        as in fully convolutional networks (Long et al., CVPR 2015,
        https://arxiv.org/abs/1411.4038).

        Args:
            features: Keras tensor of shape `(batch, rows, columns, channels)`.
            task: `Task` of the output.
            size: Pair of integers, height and width of the masks, each at
                least the map's. Defaults to `None`, the map's.
            hidden: Integer, channels of a 3x3 convolution before the scores.
                Defaults to `None`, no such layer.
            dropout: Float in [0, 1), fraction of the map's channels dropped in
                training.

        Returns:
            Keras tensor, float32.

        Raises:
            ValueError: If the features are no map, or `size` is smaller.
        """
        from keras import layers

        name = task.name
        if len(features.shape) != 4:
            raise ValueError(
                f"Task {name!r} of kind 'mask' needs a feature map of shape "
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
        scores = layers.Conv2D(
            task.num_classes, 1, dtype="float32", name=f"{name}_scores"
        )(features)
        if (height, width) != (rows, columns):
            factors = math.ceil(height / rows), math.ceil(width / columns)
            scores = layers.UpSampling2D(
                factors,
                interpolation="bilinear",
                dtype="float32",
                name=f"{name}_up",
            )(scores)
            surplus = rows * factors[0] - height, columns * factors[1] - width
            if any(surplus):
                # A map of 13 rows stands for 100 pixels, not for 104.
                scores = layers.Cropping2D(
                    [(0, surplus[0]), (0, surplus[1])],
                    dtype="float32",
                    name=f"{name}_cut",
                )(scores)
        return layers.Softmax(dtype="float32", name=name)(scores)

    def default_metrics(self, task) -> list:
        """Returns intersection over union and Dice."""
        from mtl_keras import metrics

        return [
            metrics.Jaccard(num_classes=task.num_classes, name="iou"),
            metrics.get("dice"),
        ]
