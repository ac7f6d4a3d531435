"""Methods that balance the tasks of one model against each other."""

import importlib
import inspect
import numbers

from mtl_keras.balancing import registry
from mtl_keras.messages import unknown

# Base classes, each in a file of its own. Imported when asked for, like the
# methods: listing their names loads no backend.
_BASES = {
    "Balancer": "balancer",
    "WeightingBalancer": "weighting_balancer",
    "GradientBalancer": "gradient_balancer",
    "JacobianBalancer": "jacobian_balancer",
    "Step": "step",
}
_CLASSES = _BASES | {cls: name for name, cls in registry.class_names().items()}
LEVELS = ("losses", "features", "last_shared", "parameters")

__all__ = ["get", "list_balancers", *_CLASSES]


def __getattr__(name):
    if name not in _CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_CLASSES[name]}")
    return getattr(module, name)


def __dir__():
    return sorted(set(globals()) | set(_CLASSES))


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
    names = sorted(registry.class_names())
    if level is None and not wanted:
        return names
    classes = {name: registry.method(name) for name in names}
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
            task name to number, a name from `list_balancers()`, or a
            `Balancer`, returned as it is.
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
        return _named(identifier, hyperparameters)
    if hyperparameters:
        raise TypeError(
            "Hyperparameters go with a balancer's name. Received: "
            f"identifier={identifier!r}, {hyperparameters}"
        )
    base = __getattr__("Balancer")
    if isinstance(identifier, base):
        return identifier
    if identifier is None:
        return registry.method("equal")()
    if isinstance(identifier, numbers.Real | dict):
        return registry.method("static")(identifier)
    if inspect.isclass(identifier) and issubclass(identifier, base):
        raise TypeError(
            "`loss_weights` must be a balancer, not its class. Did you mean "
            f"{identifier.__name__}()? Received: {identifier!r}"
        )
    raise TypeError(
        "`loss_weights` must be None, a number, a dict of task name to "
        "number, the name of a balancer or a Balancer. "
        f"Received: {identifier!r} of type {type(identifier).__name__}"
    )


def _named(name, hyperparameters):
    names = registry.class_names()
    if name not in names:
        raise ValueError(unknown("balancer", name, names))
    cls = registry.method(name)
    options = registry.hyperparameters(cls)
    for key in hyperparameters:
        if key not in options:
            what = f"hyperparameter of {name!r}"
            error = unknown(what, key, options, hyperparameters)
            if key == "on":
                error += ". It reads losses alone and has no level."
            raise ValueError(error)
    return cls(**hyperparameters)
