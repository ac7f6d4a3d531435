"""One of several classes: which digit, which breed."""

from mtl_keras.heads.head import Head
from mtl_keras.labels import LabelSpec


class ClassificationHead(Head):
    """Answers with a probability for each class; -1 marks a missing label."""

    kind = "classification"

    def build(
        self,
        features,
        task,
        *,
        hidden: int | None = None,
        dropout: float = 0.0,
    ):
        """Builds probabilities of shape `(batch, num_classes)`.

        Args:
            features: Keras tensor of shape `(batch, channels)` or
                `(batch, height, width, channels)`; a map is pooled by
                attention.
            task: `Task` to be answered.
            hidden: Integer, units of a hidden layer. Defaults to `None`, no
                such layer.
            dropout: Float in [0, 1), share of features dropped in training.

        Returns:
            Keras tensor of shape `(batch, num_classes)`, float32.
        """
        from keras import layers

        from mtl_keras.heads import attention

        if len(features.shape) == 4:
            features = attention.pool(features, task.name)
        features = attention.hidden(features, task.name, hidden, dropout)
        return layers.Dense(
            task.num_classes,
            activation="softmax",
            dtype="float32",
            name=task.name,
        )(features)

    def default_loss(self, task):
        """Returns the cross-entropy."""
        from mtl_keras import losses

        del task
        return losses.get("cross_entropy")

    def default_metrics(self, task) -> list:
        """Returns the accuracy."""
        from mtl_keras import metrics

        del task
        return [metrics.get("accuracy")]

    def label_spec(self, task) -> LabelSpec:
        """Class numbers from 0; -1 where the label is missing."""
        return LabelSpec(
            dtype="int32", missing=-1, minimum=0, maximum=task.num_classes - 1
        )

    def check(self, task) -> None:
        """Raises a `ValueError` if the task has fewer than two classes."""
        if not isinstance(task.num_classes, int) or task.num_classes < 2:
            raise ValueError(
                f"Task {task.name!r} is a classification and needs "
                "`class_names`, or `num_classes` of at least 2. Received: "
                f"num_classes={task.num_classes!r}"
            )
