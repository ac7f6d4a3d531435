"""Yes or no: is it there."""

from mtl_keras.heads.head import Head
from mtl_keras.labels import LabelSpec


class PresenceHead(Head):
    """Answers with the probability of yes; -1 or NaN marks a missing label."""

    kind = "presence"

    def build(
        self,
        features,
        task,
        *,
        hidden: int | None = None,
        dropout: float = 0.0,
    ):
        """Builds a probability of shape `(batch, 1)`.

        Args:
            features: Keras tensor of shape `(batch, channels)` or
                `(batch, height, width, channels)`; a map is pooled by
                attention.
            task: `Task` to be answered.
            hidden: Integer, units of a hidden layer. Defaults to `None`, no
                such layer.
            dropout: Float in [0, 1), share of features dropped in training.

        Returns:
            Keras tensor of shape `(batch, 1)`, float32.
        """
        from keras import layers

        from mtl_keras.heads import attention

        if len(features.shape) == 4:
            features = attention.pool(features, task.name)
        features = attention.hidden(features, task.name, hidden, dropout)
        return layers.Dense(
            1, activation="sigmoid", dtype="float32", name=task.name
        )(features)

    def default_loss(self, task):
        """Returns the binary cross-entropy."""
        from mtl_keras import losses

        del task
        return losses.get("binary_cross_entropy")

    def default_metrics(self, task) -> list:
        """Returns accuracy, F1 and the area under the ROC curve."""
        from mtl_keras import metrics

        del task
        return [metrics.get(name) for name in ("accuracy", "f1", "auc")]

    def label_spec(self, task) -> LabelSpec:
        """0 or 1; -1 or NaN where the label is missing."""
        del task
        return LabelSpec(dtype="int32", missing=-1, minimum=0, maximum=1)
