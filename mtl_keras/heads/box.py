"""One box: where is it."""

from mtl_keras.heads.head import Head
from mtl_keras.labels import LabelSpec


class BoxHead(Head):
    """Answers with `x1, y1, x2, y2` in [0, 1]; NaN marks a missing label.

    On a feature map each place gives a box by its distances to the four sides
    (as FCOS, Tian et al., ICCV 2019, https://arxiv.org/abs/1904.01355), and
    the answer is the mean of these boxes by a softmax over the places. On a
    vector a corner is given, and a side's length as a share of what is left.
    """

    kind = "box"

    def build(
        self,
        features,
        task,
        *,
        hidden: int | None = None,
        dropout: float = 0.0,
    ):
        """Builds a box of shape `(batch, 4)`.

        Args:
            features: Keras tensor of shape `(batch, channels)` or
                `(batch, height, width, channels)`.
            task: `Task` to be answered.
            hidden: Integer, units of a hidden layer on a vector (on a map, of
                a 1x1 convolution). Defaults to `None`, no such layer.
            dropout: Float in [0, 1), share of features dropped in training.

        Returns:
            Keras tensor of shape `(batch, 4)`, float32, with `x1 <= x2` and
            `y1 <= y2`.
        """
        from keras import layers

        from mtl_keras.heads import attention, expected_box

        features = attention.hidden(features, task.name, hidden, dropout)
        if len(features.shape) != 4:
            corner = layers.Dense(
                4, activation="sigmoid", name=f"{task.name}_corner"
            )(features)
            return expected_box.CornerBox(dtype="float32", name=task.name)(
                corner
            )
        scores = layers.Conv2D(1, 1, name=f"{task.name}_attention")(features)
        distances = layers.Conv2D(4, 1, name=f"{task.name}_distances")(features)
        return expected_box.ExpectedBox(dtype="float32", name=task.name)(
            [distances, scores]
        )

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
