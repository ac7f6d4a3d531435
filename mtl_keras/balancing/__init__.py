"""Ways to weigh the tasks of one model against each other."""

import numbers

from mtl_keras.balancing.balancer import Balancer
from mtl_keras.balancing.equal import Equal
from mtl_keras.balancing.static import Static
from mtl_keras.suggest import unknown

_BALANCERS = {"equal": Equal, "static": Static}

__all__ = ["Balancer", "Equal", "Static", "get", "list_balancers"]


def list_balancers() -> list[str]:
    """Lists the names that `loss_weights="..."` takes."""
    return sorted(_BALANCERS)


def get(identifier, **hyperparameters) -> Balancer:
    """Returns a balancer.

    Args:
        identifier: `None` (equal weights), a number for every task, a dict of
            task name to number, a name from `list_balancers()`, or a
            `Balancer`, returned as it is.
        **hyperparameters: Passed to the constructor of a named balancer.

    Returns:
        `Balancer` instance.

    Raises:
        ValueError: If the name is unknown or a weight is no finite number of
            at least zero.
        TypeError: If `identifier` is of another type, or hyperparameters come
            with an identifier that is no name.
    """
    if isinstance(identifier, str):
        if identifier not in _BALANCERS:
            raise ValueError(unknown("balancer", identifier, _BALANCERS))
        return _BALANCERS[identifier](**hyperparameters)
    if hyperparameters:
        raise TypeError(
            "Hyperparameters go with a balancer's name. Received: "
            f"identifier={identifier!r}, {hyperparameters}"
        )
    if isinstance(identifier, Balancer):
        return identifier
    if identifier is None:
        return Equal()
    if isinstance(identifier, numbers.Real | dict):
        return Static(identifier)
    raise TypeError(
        "`loss_weights` must be None, a number, a dict of task name to "
        "number, the name of a balancer or a Balancer. "
        f"Received: {identifier!r} of type {type(identifier).__name__}"
    )
