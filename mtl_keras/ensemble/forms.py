"""What an output holds: probabilities, logits, hazards or plain values."""

import dataclasses

from mtl_keras import losses
from mtl_keras.labels import LabelSpec

CLASSES = "classes"
BINARY = "binary"
HAZARDS = "hazards"
RISKS = "risks"
VALUES = "values"
SURVIVAL = (HAZARDS, RISKS)
_OF_KIND = {
    "classification": CLASSES,
    "mask": CLASSES,
    "tagging": CLASSES,
    "presence": BINARY,
    "box": VALUES,
    "regression": VALUES,
}


@dataclasses.dataclass(frozen=True)
class Form:
    """What one output of a model holds.

    Attributes:
        kind: String. `"classes"`: a distribution on the last axis.
            `"binary"`: a probability in each column. `"hazards"`: of each
            interval of time, on the last axis. `"risks"`: log-risks.
            `"values"`: anything else.
        from_logits: Boolean, whether it holds the logits of these.
        is_known: Boolean, whether a `Task` or a loss tells.
    """

    kind: str
    from_logits: bool = False
    is_known: bool = True


def loss_of(model, name: str):
    """Returns the loss of an output: the compiled one, else the task's.

    Args:
        model: `MultiTaskModel`.
        name: String, a task of the model.

    Returns:
        Loss object or function, or `None`.
    """
    plan = getattr(model, "_plan", None)
    if plan is not None and name in plan.losses:
        return plan.losses[name]
    return model.tasks[name].default_loss()


def form_of(model, name: str) -> Form:
    """Finds what an output holds, from its task and its loss.

    Args:
        model: `MultiTaskModel`.
        name: String, a task of the model.

    Returns:
        `Form`. An output that is neither declared nor compiled counts as
        values.
    """
    task, loss = model.tasks[name], loss_of(model, name)
    from_logits = loss is not None and losses.from_logits(loss)
    if isinstance(loss, losses.DiscreteTime):
        return Form(HAZARDS, from_logits)
    if isinstance(loss, losses.Cox) or task.kind == "survival":
        return Form(RISKS)
    if task.kind is not None:
        return Form(_OF_KIND[task.kind], from_logits)
    kind = _kind_of_labels(task.label, tuple(model.output[name].shape))
    if kind == VALUES:
        return Form(
            VALUES, is_known=loss is not None or task.label != LabelSpec()
        )
    return Form(kind, from_logits)


def _kind_of_labels(label, shape) -> str:
    if label.rule == "one_hot":
        return CLASSES
    if label.rule is not None or label.minimum != 0:
        return VALUES
    if label.dtype == "int32" and len(label.shape) == len(shape) - 2:
        return BINARY if shape[-1] == 1 else CLASSES
    if label.maximum == 1 and label.missing != "nan":
        return BINARY
    return VALUES
