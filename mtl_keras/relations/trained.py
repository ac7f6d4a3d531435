"""Checks the model whose tasks are compared."""

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
