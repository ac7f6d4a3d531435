"""All objects of an image: which there are, and where."""

from mtl_keras import checks
from mtl_keras.heads.head import ClassesHead
from mtl_keras.labels import LabelSpec

# Of the logits: each position starts with the probability 0.1, so that the
# many positions without an object do not dominate the first steps (RetinaNet,
# https://arxiv.org/abs/1708.02002, section 4.1).
_FIRST_LOGIT = -2.19


class DetectionHead(ClassesHead):
    """Predicts for each position of a map its classes and the box around it.

    Anchor-free: the probability that the centre of an object of a class lies
    at a position, and the distances from there to the sides of its box, as in
    TTFNet (Liu et al., AAAI 2020, https://arxiv.org/abs/1909.00700), which
    trains CenterNet's maps (Zhou et al., 2019,
    https://arxiv.org/abs/1904.07850) on more than one position an object.
    `data.detections` decodes the maps.

    A label lists the objects of an image, `x1, y1, x2, y2` in [0, 1] and the
    class number; -1 as class fills up the list, and NaN everywhere marks a
    missing label.
    """

    kind = "detection"
    loss = "center_boxes"
    metrics = ("coco_ap",)

    def build(
        self,
        features,
        task,
        *,
        hidden: int | None = None,
        dropout: float = 0.0,
    ):
        """Builds maps of shape `(batch, rows, columns, num_classes + 4)`.

        Args:
            features: Keras tensor of shape `(batch, rows, columns, channels)`.
            task: `Task` of the output.
            hidden: Integer, channels of a 3x3 convolution each before the
                classes and before the boxes. Defaults to `None`, no such
                layer.
            dropout: Float in [0, 1), fraction of the map's channels dropped in
                training.

        Returns:
            Keras tensor, float32: the probabilities of the classes, then `x1,
            y1, x2, y2` as fractions of the image, not clipped to it.

        Raises:
            ValueError: If the features are no map.
        """
        import keras
        from keras import layers

        from mtl_keras.heads.center_maps import CenterMaps

        name = task.name
        if len(features.shape) != 4:
            raise ValueError(
                f"Task {name!r} of kind 'detection' needs a feature map of "
                "shape (batch, rows, columns, channels). Received: features "
                f"of shape {tuple(features.shape)}. Use a trunk that gives a "
                "map."
            )
        if dropout:
            features = layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(
                features
            )

        def branch(part, channels, bias):
            branched = features
            if hidden:
                branched = layers.Conv2D(
                    hidden,
                    3,
                    padding="same",
                    activation="relu",
                    name=f"{name}_{part}_hidden",
                )(branched)
            return layers.Conv2D(
                channels,
                1,
                bias_initializer=keras.initializers.Constant(bias),
                dtype="float32",
                name=f"{name}_{part}",
            )(branched)

        scores = branch("scores", task.num_classes, _FIRST_LOGIT)
        distances = branch("distances", 4, 0.0)
        return CenterMaps(dtype="float32", name=name)([scores, distances])

    def label_spec(self, task) -> LabelSpec:
        """Returns a list of boxes with a class number each."""
        return LabelSpec(
            shape=(None, 5),
            missing="nan",
            minimum=-1,
            # Corners reach 1, whatever the number of classes.
            maximum=max(task.num_classes - 1, 1),
            rule="objects",
        )

    def check(self, task) -> None:
        """Raises a `ValueError` if the task has no class."""
        if task.num_classes is None:
            raise ValueError(
                f"Task {task.name!r} of kind 'detection' needs `class_names` "
                "or `num_classes`. Received: num_classes=None"
            )
        checks.integer("num_classes", task.num_classes, low=1)
