"""One box: where is it."""

from mtl_keras.heads.head import Head
from mtl_keras.labels import LabelSpec


class BoxHead(Head):
    """Answers with `x1, y1, x2, y2` in [0, 1]; NaN marks a missing label."""

    kind = "box"

    def build(self, features, task, *, dropout: float = 0.0):
        """Builds a box of shape `(batch, 4)`.

        Args:
            features: Keras tensor of shape `(batch, channels)` or
                `(batch, height, width, channels)`.
            task: `Task` to be answered.
            dropout: Float in [0, 1), share of features dropped in training.

        Returns:
            Keras tensor of shape `(batch, 4)`, float32.
        """
        from keras import layers

        if len(features.shape) == 4:
            features = layers.Flatten(name=f"{task.name}_flat")(features)
        if dropout:
            features = layers.Dropout(dropout, name=f"{task.name}_dropout")(
                features
            )
        return layers.Dense(
            4, activation="sigmoid", dtype="float32", name=task.name
        )(features)

    def default_loss(self, task):
        """Returns the box loss, Huber and GIoU together."""
        from mtl_keras import losses

        del task
        return losses.get("box")

    def default_metrics(self, task) -> list:
        """Returns the mean IoU."""
        from mtl_keras import metrics

        del task
        return [metrics.get("mean_iou")]

    def label_spec(self, task) -> LabelSpec:
        """A box inside the image; NaN where the label is missing."""
        del task
        return LabelSpec(
            shape=(4,), missing="nan", minimum=0, maximum=1, rule="box_xyxy"
        )
