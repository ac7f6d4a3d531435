"""Numbers without bounds: a price, a temperature."""

from mtl_keras.heads.head import Head
from mtl_keras.labels import LabelSpec


class RegressionHead(Head):
    """Answers with one number, missing where the label is NaN."""

    kind = "regression"

    def build(self, features, task, *, dropout: float = 0.0):
        """Builds a linear answer of shape `(batch, 1)`.

        Args:
            features: Keras tensor of shape `(batch, channels)` or
                `(batch, height, width, channels)`; a map is averaged.
            task: `Task` to be answered.
            dropout: Float in [0, 1), share of features dropped in training.

        Returns:
            Keras tensor of shape `(batch, 1)`, float32.
        """
        from keras import layers

        if len(features.shape) == 4:
            features = layers.GlobalAveragePooling2D(name=f"{task.name}_pool")(
                features
            )
        if dropout:
            features = layers.Dropout(dropout, name=f"{task.name}_dropout")(
                features
            )
        return layers.Dense(1, dtype="float32", name=task.name)(features)

    def default_loss(self, task):
        """Returns the mean squared error."""
        import keras

        del task
        return keras.losses.MeanSquaredError()

    def default_metrics(self, task) -> list:
        """Returns the mean absolute error."""
        from mtl_keras import metrics

        del task
        return [metrics.get("mae")]

    def label_spec(self, task) -> LabelSpec:
        """Any number; NaN where the label is missing."""
        del task
        return LabelSpec()
