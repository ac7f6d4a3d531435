"""How many objects of each class an image has."""

from mtl_keras import checks
from mtl_keras.heads.head import ClassesHead
from mtl_keras.labels import LabelSpec


class CountHead(ClassesHead):
    """Predicts a number for each class; NaN marks a missing one.

    The output is the number of peaks in the maps of a detection task, a
    weighted sum over three thresholds, and a correction from the pooled
    features: a peak that stands for two objects, or for none, is corrected by
    what surrounds it.
    """

    kind = "count"
    loss = "huber"
    metrics = ("mae",)

    def build(
        self,
        features,
        task,
        *,
        maps=None,
        hidden: int | None = None,
        dropout: float = 0.0,
    ):
        """Builds numbers of shape `(batch, num_classes)`.

        Args:
            features: Keras tensor of shape `(batch, rows, columns, channels)`
                or `(batch, channels)`.
            task: `Task` of the output.
            maps: Keras tensor, the output of a task of kind `"detection"` with
                the same classes. Defaults to `None`: the features alone are
                read.
            hidden: Integer, units of a hidden layer before the correction.
                Defaults to `None`, no such layer.
            dropout: Float in [0, 1), fraction of the pooled features dropped
                in training.

        Returns:
            Keras tensor, float32.
        """
        import keras
        from keras import layers

        from mtl_keras.heads import attention
        from mtl_keras.heads.peak_counts import PeakCounts

        name = task.name
        if len(features.shape) == 4:
            features = layers.GlobalAveragePooling2D(name=f"{name}_pool")(
                features
            )
        features = attention.hidden(features, name, hidden, dropout)
        if maps is None:
            return layers.Dense(task.num_classes, dtype="float32", name=name)(
                features
            )
        correction = layers.Dense(
            task.num_classes,
            kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
            dtype="float32",
            name=f"{name}_correction",
        )(features)
        peaks = PeakCounts(task.num_classes, name=f"{name}_peaks")(maps)
        return layers.Add(dtype="float32", name=name)([peaks, correction])

    def label_spec(self, task) -> LabelSpec:
        """Returns a number of at least 0 for each class."""
        return LabelSpec(shape=(task.num_classes,), minimum=0)

    def check(self, task) -> None:
        """Raises a `ValueError` if the task has no class."""
        if task.num_classes is None:
            raise ValueError(
                f"Task {task.name!r} of kind 'count' needs `class_names` or "
                "`num_classes`. Received: num_classes=None"
            )
        checks.integer("num_classes", task.num_classes, low=1)
