"""One of several tags for each token: which words name the artist."""

from mtl_keras import checks
from mtl_keras.heads.head import ClassesHead


class TaggingHead(ClassesHead):
    """Predicts a probability for each tag; -1 marks a missing label.

    A label is a vector of class numbers, one for each token; padding is
    missing. Predictions at padded tokens have no meaning.
    """

    kind = "tagging"
    loss = "cross_entropy"
    metrics = ("accuracy",)
    label_shape = (None,)

    def build(
        self,
        features,
        task,
        *,
        hidden: int | None = None,
        dropout: float = 0.0,
        crf: bool = False,
        present=None,
        valid_tags: bool = False,
    ):
        """Builds probabilities of shape `(batch, tokens, num_classes)`.

        Args:
            features: Keras tensor of shape `(batch, tokens, channels)`.
            task: `Task` of the output.
            hidden: Integer, units of a hidden layer, whose output is
                concatenated with the features. Defaults to `None`, no such
                layer.
            dropout: Float in [0, 1), fraction of features dropped in training.
            crf: Boolean. Whether the tags of a sentence are predicted jointly,
                by a `ChainCRF`. Defaults to `False`.
            present: Boolean Keras tensor of shape `(batch, tokens)`, false at
                the padding; required if `crf` is true.
            valid_tags: Boolean. Whether `crf` predicts only sequences of tags
                that are valid by BIO (IOB2) or BIOES. Not for IOB1, where an
                `I` may start a span. Defaults to `False`.

        Returns:
            Keras tensor of shape `(batch, tokens, num_classes)`, float32.

        Raises:
            ValueError: If `crf` is true and `present` is missing, or
                `valid_tags` is true without `crf` or without tags of spans.
        """
        from keras import layers

        from mtl_keras.heads.chain import ChainCRF

        checks.boolean("crf", crf)
        checks.boolean("valid_tags", valid_tags)
        name = task.name
        if valid_tags:
            _check_valid_tags(task, crf)
        if hidden:
            hidden_features = layers.Dense(
                hidden, activation="gelu", name=f"{name}_hidden"
            )(features)
            features = layers.Concatenate(name=f"{name}_features")(
                [hidden_features, features]
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
                f"Task {name!r}: a tagging head with crf=True needs `present`, "
                "a boolean tensor that is false at the padding. Received: "
                "present=None"
            )
        scores = layers.Dense(
            task.num_classes, dtype="float32", name=f"{name}_scores"
        )(features)
        names = task.class_names if valid_tags else None
        return ChainCRF(names, dtype="float32", name=name)([scores, present])

    def default_metrics(self, task) -> list:
        """Returns the accuracy, and the F1 of spans if the tags mark spans."""
        from mtl_keras import metrics

        default = super().default_metrics(task)
        if task.class_names and all(map(_is_tag, task.class_names)):
            default.append(metrics.SpanF1(class_names=task.class_names))
        return default


def _check_valid_tags(task, crf):
    from mtl_keras.heads.valid_tags import mark_spans

    if not crf:
        raise ValueError(
            f"Task {task.name!r}: valid_tags=True expects crf=True, which "
            "predicts the tags of a sentence jointly. Received: crf=False"
        )
    if not mark_spans(task.class_names):
        raise ValueError(
            f"Task {task.name!r}: valid_tags=True expects class names such as "
            "'O', 'B-city', 'I-city', with a B for each I. "
            f"Received: class_names={list(task.class_names or ())[:5]}"
        )


def _is_tag(name: str) -> bool:
    return name == "O" or name[:2] in ("B-", "I-")
