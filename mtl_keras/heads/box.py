"""One bounding box: where the object is."""

from mtl_keras.heads.head import Head
from mtl_keras.labels import LabelSpec


class BoxHead(Head):
    """Predicts `x1, y1, x2, y2` in [0, 1]; NaN marks a missing label.

    On a feature map each position predicts a box by its distances to the four
    sides (as FCOS, Tian et al., ICCV 2019, https://arxiv.org/abs/1904.01355),
    and the output is the mean of these boxes, weighted by a softmax over the
    positions. On a vector the head predicts the upper left corner, and width
    and height as fractions of the room that is left.
    """

    kind = "box"
    loss = "box"
    metrics = ("mean_iou",)
    label = LabelSpec(
        shape=(4,), missing="nan", minimum=0, maximum=1, rule="box_xyxy"
    )

    def build(
        self,
        features,
        task,
        *,
        hidden: int | None = None,
        dropout: float = 0.0,
        voting: bool = False,
    ):
        """Builds a box of shape `(batch, 4)`.

        Args:
            features: Keras tensor of shape `(batch, channels)` or
                `(batch, height, width, channels)`.
            task: `Task` of the output.
            hidden: Integer, units of a hidden layer on a vector (on a map, of
                a 1x1 convolution). Defaults to `None`, no such layer.
            dropout: Float in [0, 1), fraction of features dropped in training.
            voting: Boolean, whether on a map the boxes of one object are
                averaged in inference instead of all boxes; see `ExpectedBox`.
                Defaults to `False`.

        Returns:
            Keras tensor of shape `(batch, 4)`, float32, with `x1 <= x2` and
            `y1 <= y2`.
        """
        from keras import layers

        from mtl_keras.heads import attention, expected_box

        name = task.name
        features = attention.hidden(features, name, hidden, dropout)
        if len(features.shape) != 4:
            corner = layers.Dense(
                4, activation="sigmoid", name=f"{name}_corner"
            )(features)
            return expected_box.CornerBox(dtype="float32", name=name)(corner)
        scores = layers.Conv2D(1, 1, name=f"{name}_attention")(features)
        distances = layers.Conv2D(4, 1, name=f"{name}_distances")(features)
        return expected_box.ExpectedBox(voting, dtype="float32", name=name)(
            [distances, scores]
        )
