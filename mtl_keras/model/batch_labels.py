"""One task's labels in one batch: which of them count, and what they weigh."""

import functools

from keras import ops

from mtl_keras.shapes import align


class BatchLabels:
    """Labels as losses and metrics read them.

    A label counts if it is present (`LabelSpec.present`), legal, not masked by
    Keras, and has a sample weight other than 0. Illegal labels are counted and
    the model raises soon after; until then they must not reach a loss, which
    may stop the process with an error of its own.

    Args:
        task: `Task`.
        label: Tensor of shape `(batch, *label)`.
        weight: Tensor of sample weights, of shape `(batch,)` or of the
            label's shape, or `None`.
        mask: Boolean tensor, the Keras mask of the task's output, whose shape
            is that of the label without axes at the end; or `None`.

    Attributes:
        usable: Boolean tensor of the label's shape: present, legal and not
            masked.
        filled: Tensor of the label's shape with a legal value wherever
            `usable` is false.
    """

    def __init__(self, task, label, weight=None, mask=None):
        self._task = task
        self._label = ops.convert_to_tensor(label)
        self._weight = weight
        spec = task.label
        present = spec.present(self._label)
        self._illegal = spec.invalid(self._label, present)
        self.usable = ops.logical_and(present, ops.logical_not(self._illegal))
        if mask is not None:
            # Padding may hold any number: it is not an illegal label.
            is_real = self._aligned(mask, self.usable, "Keras mask") > 0
            self.usable = ops.logical_and(self.usable, is_real)
            self._illegal = ops.logical_and(self._illegal, is_real)
        self.filled = spec.fill(self._label, self.usable)

    @functools.cached_property
    def counted(self):
        """Boolean tensor of the label's shape: the labels that count."""
        if self._weight is None:
            return self.usable
        return ops.logical_and(self.usable, self._weights_of(self.usable) != 0)

    @property
    def illegal(self):
        """float32 tensor, 1 for each label that is present but illegal."""
        illegal = self._illegal
        if self._task.label.rule is not None:
            illegal = ops.any(illegal, axis=-1)
        return ops.cast(illegal, "float32")

    @property
    def numbers(self):
        """`filled`, one-hot labels as int32 class numbers."""
        return class_numbers(self._task.label, self.filled)

    @property
    def num_clipped(self):
        """float32 scalar, the number of labels clipped to their range."""
        is_clipped = self._task.label.is_clipped(self._label, self.usable)
        return ops.sum(ops.cast(is_clipped, "float32"))

    def marks(self):
        """Returns 1 for each label that counts and 0 for the others.

        Returns:
            float32 tensor of the label's shape, without the last axis where
            that is one label (`LabelSpec.rule`).
        """
        counted = self.counted
        if self._task.label.rule is not None:
            counted = ops.all(counted, axis=-1)
        return ops.cast(counted, "float32")

    def weights(self):
        """Returns `marks()` multiplied by the sample weights."""
        marks = self.marks()
        if self._weight is None:
            return marks
        return marks * self._weights_of(marks)

    def _weights_of(self, values):
        return self._aligned(self._weight, values, "sample_weight")

    def _aligned(self, weights, values, what):
        weights = ops.convert_to_tensor(weights)
        return align(weights, values, self._task.name, what=what)


def class_numbers(spec, label):
    """Converts one-hot labels to class numbers.

    Args:
        spec: `LabelSpec` of the task.
        label: Tensor of shape `(batch, *label)`.

    Returns:
        int32 tensor without the last axis where `label` is one-hot, else
        `label`.
    """
    if spec.rule != "one_hot":
        return label
    return ops.cast(ops.argmax(label, axis=-1), "int32")
