"""One of several classes: which digit, which breed."""

from mtl_keras.heads.dense import DenseHead
from mtl_keras.heads.head import ClassesHead


class ClassificationHead(ClassesHead, DenseHead):
    """Predicts a probability for each class; -1 marks a missing label."""

    kind = "classification"
    loss = "cross_entropy"
    metrics = ("accuracy",)
    activation = "softmax"

    def units(self, task) -> int:
        """Returns the number of classes."""
        return task.num_classes
