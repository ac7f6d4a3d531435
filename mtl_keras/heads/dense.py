"""Heads that end in one dense layer."""

from mtl_keras.heads.head import Head


class DenseHead(Head):
    """A head that ends in one dense layer on a vector of features.

    Attributes:
        activation: String, of the dense layer, or `None`.
    """

    activation: str | None = None
    is_groupable = True

    def has_bias(self, task) -> bool:
        """Tells whether the dense layer adds a constant."""
        return True

    def units(self, task) -> int:
        """Returns the number of outputs of an example."""
        return 1

    def activation_of(self, task) -> str | None:
        """Returns the activation; none for a loss of scores, such as hinge."""
        return None if _reads_scores(task.loss) else self.activation

    def build(
        self,
        features,
        task,
        *,
        hidden: int | None = None,
        dropout: float = 0.0,
    ):
        """Builds an output of shape `(batch, units)`.

        That of a group has the shape `(batch, members)`, or
        `(batch, members, units)` of members with several units; its members
        share the pooling and the hidden layer.

        Args:
            features: Keras tensor of shape `(batch, channels)` or
                `(batch, height, width, channels)`; a map is pooled first.
            task: `Task` of the output.
            hidden: Integer, units of a hidden layer. Defaults to `None`, no
                such layer.
            dropout: Float in [0, 1), fraction of features dropped in training.

        Returns:
            Keras tensor, float32.
        """
        from keras import layers

        from mtl_keras.heads import attention

        if len(features.shape) == 4:
            features = self.pool(features, task.name)
        features = attention.hidden(features, task.name, hidden, dropout)
        units, num_members = self.units(task), len(task.members)
        if units > 1 and task.is_group:
            return self._columns_of_classes(features, task)
        return layers.Dense(
            units * num_members,
            activation=self.activation_of(task),
            use_bias=self.has_bias(task),
            dtype="float32",
            name=task.name,
        )(features)

    def _columns_of_classes(self, features, task):
        from keras import layers

        shape = (len(task.members), self.units(task))
        scores = layers.Dense(
            shape[0] * shape[1], dtype="float32", name=f"{task.name}_scores"
        )(features)
        scores = layers.Reshape(
            shape, dtype="float32", name=f"{task.name}_columns"
        )(scores)
        return layers.Activation(
            self.activation_of(task), dtype="float32", name=task.name
        )(scores)

    def pool(self, features, name: str):
        """Turns a feature map into a vector: attention and maxima."""
        from mtl_keras.heads import attention

        return attention.pool(features, name)


def _reads_scores(loss) -> bool:
    from mtl_keras import losses

    if isinstance(loss, str | dict):
        loss = losses.get(loss)
    return bool(getattr(loss, "reads_scores", False))
