"""Finds the methods of balancing by their files, and what they take.

A method is a file of this folder that registers one class with Keras, so that
models with it can be saved and loaded. Files that register none are what the
methods share. The name of a method is that of its file; the files are read,
not imported, to list the methods.
"""

import inspect
import numbers
import pathlib
import re

from mtl_keras.class_files import ClassFiles
from mtl_keras.messages import unknown

LEVELS = ("losses", "features", "last_shared", "parameters")


def hyperparameters(cls: type) -> dict:
    """Lists what a method's constructor takes.

    Args:
        cls: Class of a balancer.

    Returns:
        Dict, name to default: its own first, then those that it passes on.
    """
    defaults = {}
    for ancestor in cls.__mro__:
        if "__init__" not in vars(ancestor):
            continue
        parameters = list(inspect.signature(ancestor).parameters.values())
        passes_on = [p for p in parameters if p.kind is p.VAR_KEYWORD]
        for parameter in parameters:
            if parameter not in passes_on:
                defaults.setdefault(parameter.name, parameter.default)
        if not passes_on:
            break
    if not cls.takes_preference:
        defaults.pop("preference", None)
    # Methods that merge gradients have no weights.
    if not getattr(cls, "takes_smoothing", False):
        defaults.pop("smoothing", None)
    return defaults


_METHODS = ClassFiles(
    package=__package__,
    folder=pathlib.Path(__file__).parent,
    pattern=re.compile(
        r"^@keras\.saving\.register_keras_serializable\(.*\)\nclass (\w+)\(",
        re.MULTILINE,
    ),
    rule="A method's file registers one class with Keras.",
    what="balancer",
    thing="a balancer",
    argument="loss_weights",
    hyperparameters=hyperparameters,
    hints={"on": ". It reads losses alone and has no level."},
)


def class_names() -> dict[str, str]:
    """Lists the methods; imports none of them.

    Returns:
        Dict, a method's name to its class's name, sorted.

    Raises:
        ImportError: If a file registers several classes.
    """
    return _METHODS.class_names


def method(name: str) -> type:
    """Imports a method's class.

    Args:
        name: String, a name of `balancing.list_balancers()`.

    Returns:
        Class, a `Balancer`.
    """
    return _METHODS.load(name)


def list_balancers(
    *,
    level: str | None = None,
    scale_free: bool | None = None,
    conflict_free: bool | None = None,
    equivariant: bool | None = None,
) -> list[str]:
    """Lists the names that `loss_weights="..."` takes.

    Args:
        level: String, only those that are defined there: `"losses"`,
            `"features"`, `"last_shared"` or `"parameters"`.
        scale_free: Boolean, only those that say (or do not say) that `s * J`
            has the direction of `J`.
        conflict_free: Boolean, likewise, that the direction never has a
            negative product with a task's gradient.
        equivariant: Boolean, likewise, that the order of tasks does not
            matter.

    Returns:
        Sorted list of strings.

    Raises:
        ValueError: If there is no such level.
    """
    if level is not None and level not in LEVELS:
        raise ValueError(unknown("level", level, LEVELS))
    properties = {
        "is_scale_free": scale_free,
        "is_conflict_free": conflict_free,
        "is_equivariant": equivariant,
    }
    wanted = {k: value for k, value in properties.items() if value is not None}
    names = sorted(class_names())
    if level is None and not wanted:
        return names
    classes = {name: method(name) for name in names}
    return [
        name
        for name, cls in classes.items()
        if (level is None or level in cls.levels)
        and all(getattr(cls, key) == value for key, value in wanted.items())
    ]


def get(identifier, **hyperparameters):
    """Returns a balancer.

    Args:
        identifier: `None` (equal weights), a number for every task, a dict of
            task name to number or schedule, a name from `list_balancers()`,
            or a `Balancer`, returned as it is.
        **hyperparameters: Passed to the constructor of a named balancer.

    Returns:
        `Balancer` instance.

    Raises:
        ValueError: If the name or a hyperparameter is unknown, or a weight is
            not a finite number of at least zero.
        TypeError: If `identifier` is of another type, or hyperparameters come
            without a name.
    """
    if isinstance(identifier, str):
        return _METHODS.made(identifier, hyperparameters)
    from mtl_keras.balancing.balancer import Balancer

    _METHODS.check_unnamed(identifier, hyperparameters, Balancer)
    if isinstance(identifier, Balancer):
        return identifier
    if identifier is None:
        return method("equal")()
    if isinstance(identifier, numbers.Real | dict):
        named = identifier if isinstance(identifier, dict) else {}
        # A number needs no function; a schedule of Keras is one, and a dict
        # describes one.
        is_scheduled = any(
            callable(value) or isinstance(value, dict)
            for value in named.values()
        )
        return method("scheduled" if is_scheduled else "static")(identifier)
    raise TypeError(
        "`loss_weights` must be None, a number, a dict of task name to "
        "number or schedule, the name of a balancer or a Balancer. "
        f"Received: {identifier!r} of type {type(identifier).__name__}"
    )
