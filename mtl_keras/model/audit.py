"""Errors of the data that a compiled step can only count."""

import warnings

import keras
from keras import ops


class LabelAudit(keras.metrics.Metric):
    """Counts, inside the compiled step, what is an error of the data.

    That is illegal labels, and negative losses where a balancer takes their
    logarithms. A compiled step cannot raise; the model does so after the
    first batch and at the end of each epoch.

    Args:
        names: Tuple of strings, the trained tasks.
    """

    def __init__(self, names):
        super().__init__(name="invalid_labels", dtype="float32")
        self._names = names
        shape = (max(len(names), 1),)
        self.counts = self.add_variable(shape, "zeros", name="counts")

    def update_state(self, counts):
        """Adds a batch's counts, shape `(num_tasks,)`."""
        self.counts.assign_add(ops.cast(counts, "float32"))

    def result(self):
        """Returns the counts, shape `(num_tasks,)`."""
        return ops.convert_to_tensor(self.counts)

    def by_task(self) -> dict:
        """Returns the counts so far as a dict of task name to number."""
        counts = ops.convert_to_numpy(self.result())
        # Without a trained task there is one count, of nothing.
        return dict(zip(self._names, counts, strict=False))


class LabelCounts(keras.metrics.Metric):
    """Counts, inside the compiled step, what is said of the labels later.

    One vector holds all tasks and counts, so that a step pays for one update.

    Args:
        names: Tuple of strings, the tasks.
    """

    FIELDS = ("seen", "misfits", "clipped")

    def __init__(self, names):
        super().__init__(name="label_counts", dtype="float32")
        self.names = tuple(names)
        shape = (len(self.FIELDS), max(len(self.names), 1))
        self.counts = self.add_variable(shape, "zeros", name="counts")

    def update_state(self, counts: dict):
        """Adds a batch.

        Args:
            counts: Dict, field to a dict of task name to scalar tensor: `seen`
                the labels that count, `misfits` whether the batch axis is
                wrong, `clipped` the labels clipped to their range. What is
                left out is 0.
        """
        names = self.names
        if not names:
            return
        rows = [
            ops.stack(
                [ops.cast(field_counts.get(n, 0.0), "float32") for n in names]
            )
            if (field_counts := counts.get(field))
            else ops.zeros((len(names),), "float32")
            for field in self.FIELDS
        ]
        self.counts.assign_add(ops.stack(rows))

    def result(self):
        """Returns the counts, shape `(fields, tasks)`."""
        return ops.convert_to_tensor(self.counts)

    def of(self, field: str) -> dict:
        """Returns a field's counts so far as a dict of task name to scalar."""
        if not self.names:
            return {}
        row = self.result()[self.FIELDS.index(field)]
        values = ops.unstack(row, len(self.names))
        return dict(zip(self.names, values, strict=True))


def warn_of_clipped(counts: dict, tasks: dict) -> list:
    """Warns of tasks whose labels were clipped to their range.

    Args:
        counts: Dict, task name to the number of clipped labels.
        tasks: Dict, task name to `Task`.

    Returns:
        List of strings, those tasks.
    """
    clipped = [name for name, count in counts.items() if count]
    for name in clipped:
        spec = tasks[name].label
        warnings.warn(
            f"Labels of the task {name!r} outside of [{spec.minimum}, "
            f"{spec.maximum}] by at most {spec.tolerance:g} were clipped.",
            stacklevel=4,
        )
    return clipped


def raise_misfits(counts: dict) -> None:
    """Raises if labels or weights had axes of another size than the output.

    Args:
        counts: Dict, task name to the number of such batches.

    Raises:
        ValueError: If a count is not 0.
    """
    for name, count in counts.items():
        if count:
            raise ValueError(
                f"Task {name!r} expects labels and sample weights of as many "
                "examples as the inputs of the batch, and labels in the shape "
                "of its output. Received: another size of an axis in "
                f"{int(count)} batches. Batch inputs, labels and weights "
                "together."
            )


def raise_illegal_labels(counts: dict, tasks: dict) -> None:
    """Raises if illegal labels were counted.

    Args:
        counts: Dict, task name to the number of illegal labels.
        tasks: Dict, task name to `Task`.

    Raises:
        ValueError: If a count is not 0.
    """
    for name, count in counts.items():
        if count:
            spec = tasks[name].label
            raise ValueError(
                f"{spec.range_message(name)} Received: {int(count)} labels "
                f"outside that range. {spec.range_repair()}"
            )


def raise_negative_losses(counts: dict, balancer) -> None:
    """Raises if a loss was negative where the balancer takes logarithms.

    Args:
        counts: Dict, task name to the number of batches with a negative loss.
        balancer: `Balancer`.

    Raises:
        ValueError: If a count is not 0.
    """
    for name, count in counts.items():
        if count:
            raise ValueError(
                f"{type(balancer).__name__} needs losses above 0: it takes "
                "their logarithms or ratios. Received: a negative loss of the "
                f"task {name!r} in {int(count)} batches. Use a loss bounded "
                "below by 0, or balance gradients: loss_weights='cagrad'."
            )
