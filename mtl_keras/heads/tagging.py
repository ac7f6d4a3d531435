"""One of several tags for each token: which words name the artist."""

from mtl_keras.heads.head import Head
from mtl_keras.labels import LabelSpec


class TaggingHead(Head):
    """Answers with a probability for each tag; -1 marks a missing label.

    A label is a row of class numbers, one a token; padding is missing. What
    is predicted at padded tokens means nothing.
    """

    kind = "tagging"

    def build(
        self,
        features,
        task,
        *,
        hidden: int | None = None,
        dropout: float = 0.0,
        crf: bool = False,
        present=None,
    ):
        """Builds probabilities of shape `(batch, tokens, num_classes)`.

        Args:
            features: Keras tensor of shape `(batch, tokens, channels)`.
            task: `Task` to be answered.
            hidden: Integer, units of a hidden layer beside which the features
                stay. Defaults to `None`, no such layer.
            dropout: Float in [0, 1), share of features dropped in training.
            crf: Boolean. Whether neighbouring tags are answered together, by
                a `ChainCRF`. Defaults to `False`.
            present: Boolean Keras tensor of shape `(batch, tokens)`, false at
                the padding; needed with `crf`.

        Returns:
            Keras tensor of shape `(batch, tokens, num_classes)`, float32.

        Raises:
            ValueError: If `crf` lacks `present`.
        """
        from keras import layers

        from mtl_keras.heads.chain import ChainCRF

        name = task.name
        if hidden:
            shortcut = features
            features = layers.Dense(
                hidden, activation="gelu", name=f"{name}_hidden"
            )(features)
            features = layers.Concatenate(name=f"{name}_features")(
                [features, shortcut]
            )
        if dropout:
            features = layers.Dropout(dropout, name=f"{name}_dropout")(features)
        if not crf:
            return layers.Dense(
                task.num_classes,
                activation="softmax",
                dtype="float32",
                name=name,
            )(features)
        if present is None:
            raise ValueError(
                "A tagging head with crf=True needs `present`, which tokens "
                f"are no padding. Received: present=None for task {name!r}"
            )
        scores = layers.Dense(
            task.num_classes, dtype="float32", name=f"{name}_scores"
        )(features)
        return ChainCRF(dtype="float32", name=name)([scores, present])

    def default_loss(self, task):
        """Returns the cross-entropy."""
        from mtl_keras import losses

        del task
        return losses.get("cross_entropy")

    def default_metrics(self, task) -> list:
        """Returns the accuracy, and the F1 of spans if the tags mark such."""
        from mtl_keras import metrics

        found = [metrics.get("accuracy")]
        if task.class_names and all(map(_is_tag, task.class_names)):
            found.append(metrics.SpanF1(class_names=task.class_names))
        return found

    def label_spec(self, task) -> LabelSpec:
        """Class numbers from 0, a row of any length; -1 where missing."""
        return LabelSpec(
            shape=(None,),
            dtype="int32",
            missing=-1,
            minimum=0,
            maximum=task.num_classes - 1,
        )

    def check(self, task) -> None:
        """Raises a `ValueError` if the task has fewer than two classes."""
        if not isinstance(task.num_classes, int) or task.num_classes < 2:
            raise ValueError(
                f"Task {task.name!r} is a tagging and needs `class_names`, or "
                "`num_classes` of at least 2. Received: "
                f"num_classes={task.num_classes!r}"
            )


def _is_tag(name: str) -> bool:
    return name == "O" or name[:2] in ("B-", "I-")
