"""A class for each pixel of an image."""

from mtl_keras.heads import maps
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
            size: As for `maps.scores`.
            hidden: As for `maps.scores`.
            dropout: As for `maps.scores`.

        Returns:
            Keras tensor, float32.

        Raises:
            ValueError: As for `maps.scores`.
        """
        from keras import layers

        scores = maps.scores(
            features,
            task,
            task.num_classes,
            size=size,
            hidden=hidden,
            dropout=dropout,
        )
        return layers.Softmax(dtype="float32", name=task.name)(scores)

    def default_metrics(self, task) -> list:
        """Returns intersection over union and Dice."""
        from mtl_keras import metrics

        return [
            metrics.Jaccard(num_classes=task.num_classes, name="iou"),
            metrics.get("dice"),
        ]
