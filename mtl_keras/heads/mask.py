"""A class for each pixel of an image."""

from mtl_keras.heads.head import ClassesHead
from mtl_keras.heads.maps import MapHead


class MaskHead(MapHead, ClassesHead):
    """Predicts a probability for each class and pixel.

    A label is a map of class numbers; -1 marks a pixel without a label, and a
    map of -1 an image without one. Metrics are the intersection over union,
    logged as `iou` (see `metrics.Jaccard`), and `dice`.
    """

    kind = "mask"
    loss = "cross_entropy"
    metrics = ("jaccard", "dice")
    label_shape = (None, None)

    def channels(self, task) -> int:
        """Returns the number of classes."""
        return task.num_classes

    def last_layer(self, task):
        """Makes the layer from scores to probabilities of the classes."""
        from keras import layers

        return layers.Softmax(dtype="float32", name=task.name)

    def default_metrics(self, task) -> list:
        """Returns intersection over union and Dice."""
        from mtl_keras import metrics

        return [
            metrics.Jaccard(num_classes=task.num_classes, name="iou"),
            metrics.get("dice"),
        ]
