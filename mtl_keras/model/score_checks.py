"""Refuses probabilities where a loss reads scores."""

_PROBABILITIES = ("sigmoid", "softmax", "hard_sigmoid")


def check(losses: dict, parts) -> None:
    """Checks the outputs of tasks with a hinge loss.

    A hinge loss of a probability trains, to a wrong threshold.

    Args:
        losses: Dict, task name to loss.
        parts: The model's `graph.Partition`.

    Raises:
        ValueError: If the last layer of such an output has a sigmoid or a
            softmax.
    """
    for name, loss in losses.items():
        if not getattr(loss, "reads_scores", False):
            continue
        (output,) = parts.heads[name].writes
        for call in (*parts.heads[name].calls, *parts.trunk.calls):
            if output not in call.writes:
                continue
            activation = getattr(call.operation, "activation", None)
            activation = getattr(activation, "__name__", "")
            if activation in _PROBABILITIES:
                raise ValueError(
                    f"Task {name!r} has the loss {loss.name!r}, which reads "
                    "scores of any size. Received: an output with the "
                    f"activation {activation!r}. Leave it out, or use a "
                    "cross-entropy."
                )
