"""What every kind of output provides."""

import abc
import numbers

from mtl_keras.labels import LabelSpec


class Head(abc.ABC):
    """One kind of output: its layers, loss, metrics and labels.

    A head holds no variables; `build` adds Keras layers to the trunk's output,
    the last of them named after the task, so that every Keras tool shows the
    output under the task's name.

    Attributes:
        kind: String, the name that `Task(kind=...)` takes.
        loss: String, the default loss, as `losses.get` takes it.
        metrics: Tuple of strings, the default metrics, as `metrics.get` takes
            them.
        label: `LabelSpec` of the labels.
        is_groupable: Boolean, whether many tasks of this kind can be the
            columns of one output.
    """

    kind: str
    loss: str
    metrics: tuple[str, ...]
    label: LabelSpec
    is_groupable = False

    @abc.abstractmethod
    def build(self, features, task, **options):
        """Builds the output on the trunk's features.

        Args:
            features: Keras tensor, a vector of shape `(batch, channels)` or a
                feature map of shape `(batch, height, width, channels)`.
            task: `Task` of the output.
            **options: What this kind of head can vary.

        Returns:
            Keras tensor, the output, from a layer named `task.name`.
        """

    def default_loss(self, task):
        """Returns a new loss for a task that names none."""
        from mtl_keras import losses

        return losses.get(self.loss)

    def default_metrics(self, task) -> list:
        """Returns new metrics for a task that names none."""
        from mtl_keras import metrics

        return [metrics.get(name) for name in self.metrics]

    def label_spec(self, task) -> LabelSpec:
        """Returns the `LabelSpec` of a task that gives none."""
        return self.label

    def check(self, task) -> None:
        """Raises a `ValueError` if the task lacks what this kind needs."""
        return  # Most kinds need nothing beside the task's name.


class ClassesHead(Head):
    """A head whose labels are class numbers from 0; -1 marks a missing one.

    Attributes:
        label_shape: Tuple, the shape of one example's label.
    """

    label_shape: tuple[int | None, ...] = ()

    def label_spec(self, task) -> LabelSpec:
        """Returns class numbers from 0; -1 where the label is missing."""
        return LabelSpec(
            shape=self.label_shape,
            dtype="int32",
            missing=-1,
            minimum=0,
            maximum=task.num_classes - 1,
        )

    def check(self, task) -> None:
        """Raises a `ValueError` if the task has fewer than two classes."""
        is_integer = isinstance(
            task.num_classes, numbers.Integral
        ) and not isinstance(task.num_classes, bool)
        if not is_integer or task.num_classes < 2:
            raise ValueError(
                f"Task {task.name!r} of kind {self.kind!r} needs "
                "`class_names`, or `num_classes` of at least 2. Received: "
                f"num_classes={task.num_classes!r}"
            )
