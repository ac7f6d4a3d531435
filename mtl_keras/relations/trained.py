"""Checks the model whose tasks are compared."""

import numpy as np

from mtl_keras.messages import listed


def checked(model, *, is_compiled: bool = False):
    """Returns the model.

    Args:
        model: `MultiTaskModel`.
        is_compiled: Boolean, whether it must be compiled.

    Raises:
        ValueError: If it is no `MultiTaskModel`, is not compiled, or has
            one task.
    """
    from mtl_keras.model.model import MultiTaskModel

    if not isinstance(model, MultiTaskModel):
        raise ValueError(
            "Expected a mtl_keras.MultiTaskModel. Received: "
            f"{type(model).__name__}. Wrap the inputs and a dict of outputs of "
            "a functional model: MultiTaskModel(inputs, outputs)."
        )
    if is_compiled and model.balancer is None:
        raise ValueError(
            f"The model {model.name!r} is not compiled, so that its tasks have "
            "no loss. Call model.compile() with the losses first."
        )
    if is_compiled and len(model.balancer.tasks or ()) < 2:
        raise ValueError(
            "Relations need two or more tasks with a loss. Received: the tasks "
            f"{listed(model.balancer.tasks or ())}"
        )
    return model


def check_losses(names, losses, present) -> None:
    """Refuses losses that say nothing about the model.

    Args:
        names: Sequence of strings, the tasks.
        losses: Array of shape `(tasks,)`.
        present: Array of shape `(tasks,)`, above 0 where there are labels.

    Raises:
        ValueError: If a loss is NaN or infinite where there are labels.
    """
    is_bad = ~np.isfinite(losses) & (present > 0)
    if is_bad.any():
        place = int(np.argmax(is_bad))
        raise ValueError(
            f"The loss of task {names[place]!r} must be finite. Received: "
            f"{losses[place]}. The inputs, labels or weights of the model have "
            "values that are not finite, or are too large."
        )
