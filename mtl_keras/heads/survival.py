"""Time until an event that may not have been observed: death, failure."""

from mtl_keras.heads.dense import DenseHead
from mtl_keras.labels import LabelSpec


class SurvivalHead(DenseHead):
    """Predicts a risk, or the hazards of intervals of time.

    A label is a pair: the time of the event or of the last observation, and 1
    if the event happened then or 0 if it was not observed. NaN in either marks
    a missing label.

    The task's loss decides what is predicted. With `"cox"`, the default, the
    output is a log-risk of shape `(batch, 1)`, without an activation; with a
    `losses.DiscreteTime(edges)` it is the probability of the event in each
    interval, given that it has not happened before, of shape
    `(batch, len(edges) - 1)`.
    """

    kind = "survival"
    loss = "cox"
    metrics = ("c_index",)
    label = LabelSpec(shape=(2,), minimum=0, rule="time_event")
    # A label is a pair, and a group's labels have a number for each member.
    is_groupable = False

    def units(self, task) -> int:
        """Returns 1, or the number of intervals."""
        discrete = _discrete(task)
        return 1 if discrete is None else len(discrete.edges) - 1

    def activation_of(self, task) -> str | None:
        """Returns `"sigmoid"` for hazards, `None` for a risk."""
        return None if _discrete(task) is None else "sigmoid"

    def has_bias(self, task) -> bool:
        """Tells hazards from risks, whose differences alone matter."""
        return _discrete(task) is not None

    def check(self, task) -> None:
        """Raises a `ValueError` if a discrete-time loss has no intervals."""
        discrete = _discrete(task)
        if discrete is None:
            return
        if discrete.edges is None or discrete.from_logits:
            raise ValueError(
                f"Task {task.name!r} of kind 'survival' needs a DiscreteTime "
                "with `edges` and from_logits=False. Received: "
                f"edges={discrete.edges}, from_logits={discrete.from_logits}"
            )

    def pool(self, features, name: str):
        """Averages a feature map over all positions."""
        from keras import layers

        return layers.GlobalAveragePooling2D(name=f"{name}_pool")(features)


def _discrete(task):
    """Returns the task's `DiscreteTime`, or `None` for any other loss."""
    from mtl_keras import losses

    if task.loss is None:
        return None
    loss = losses.get(task.loss)
    return loss if isinstance(loss, losses.DiscreteTime) else None
