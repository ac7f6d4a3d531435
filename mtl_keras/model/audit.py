"""Errors of the data that a compiled step can only count."""

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
