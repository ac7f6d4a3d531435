"""The distance of each pixel of an image."""

from mtl_keras.heads import maps
from mtl_keras.heads.head import Head
from mtl_keras.labels import LabelSpec


class DepthHead(Head):
    """Predicts a depth above 0 for each pixel.

    A label is a map of depths in one unit; 0 and NaN mark pixels without one.
    The metrics are the mean absolute and the mean relative error over all
    labelled pixels.
    """

    kind = "depth"
    loss = "MeanAbsoluteError"
    metrics = ("mae", "abs_rel")
    label = LabelSpec(shape=(None, None), missing=0, minimum=0.0)

    def build(
        self,
        features,
        task,
        *,
        size: tuple[int, int] | None = None,
        hidden: int | None = None,
        dropout: float = 0.0,
    ):
        """Builds depths of shape `(batch, height, width, 1)`.

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
            features, task, 1, size=size, hidden=hidden, dropout=dropout
        )
        return layers.Activation("softplus", dtype="float32", name=task.name)(
            scores
        )
