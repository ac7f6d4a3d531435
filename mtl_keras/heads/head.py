"""What every kind of answer provides."""

import abc


class Head(abc.ABC):
    """One kind of answer: how it is built, judged and labelled.

    A head holds no variables; `build` puts Keras layers on the trunk's output,
    the last of them named after the task, so that every tool of Keras shows
    the output under the task's name.
    """

    kind: str

    @abc.abstractmethod
    def build(self, features, task, **options):
        """Builds the answer on the trunk's features.

        Args:
            features: Keras tensor, a vector of shape `(batch, channels)` or a
                feature map of shape `(batch, height, width, channels)`.
            task: `Task` to be answered.
            **options: What this kind of head lets its builder choose.

        Returns:
            Keras tensor, the output, from a layer named `task.name`.
        """

    @abc.abstractmethod
    def default_loss(self, task):
        """Returns a new loss for a task that names none."""

    @abc.abstractmethod
    def default_metrics(self, task) -> list:
        """Returns new metrics for a task that names none."""

    @abc.abstractmethod
    def label_spec(self, task):
        """Returns the `LabelSpec` of a task that gives none."""

    def check(self, task) -> None:
        """Raises a `ValueError` if the task lacks what this kind needs."""
        del task
