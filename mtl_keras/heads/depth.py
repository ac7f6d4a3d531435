"""The distance of each pixel of an image."""

from mtl_keras.heads.maps import MapHead
from mtl_keras.labels import LabelSpec


class DepthHead(MapHead):
    """Predicts a depth above 0 for each pixel.

    A label is a map of depths in one unit; 0 and NaN mark pixels without one.
    The metrics are the mean absolute and the mean relative error over all
    labelled pixels.
    """

    kind = "depth"
    loss = "MeanAbsoluteError"
    metrics = ("mae", "abs_rel")
    label = LabelSpec(shape=(None, None), missing=0, minimum=0.0)

    def channels(self, task) -> int:
        """Returns 1: the depth."""
        return 1

    def last_layer(self, task):
        """Makes the layer from scores to depths above 0."""
        from keras import layers

        return layers.Activation("softplus", dtype="float32", name=task.name)
