"""Ways to balance the tasks of one model against each other."""

import importlib
import inspect
import numbers

from mtl_keras.balancing.balancer import Balancer
from mtl_keras.balancing.gradient_balancer import GradientBalancer
from mtl_keras.balancing.jacobian_balancer import JacobianBalancer
from mtl_keras.messages import unknown

# Name: class. The module has the method's name.
_BALANCERS = {
    # From the losses alone.
    "static": "Static",
    "equal": "Equal",
    "log_sum": "LogSum",
    "uncertainty": "Uncertainty",
    "dwa": "DWA",
    "rlw": "RLW",
    "gls": "GLS",
    "imtl_l": "IMTLL",
    "uw_so": "UWSO",
    "stch": "STCH",
    "famo": "FAMO",
    "go4align": "GO4Align",
    # From the tasks' gradients.
    "gradnorm": "GradNorm",
    "mgda": "MGDA",
    "pcgrad": "PCGrad",
    "graddrop": "GradDrop",
    "cagrad": "CAGrad",
    "imtl_g": "IMTLG",
    "imtl": "IMTL",
    "nash_mtl": "NashMTL",
    "fairgrad": "FairGrad",
    "aligned_mtl": "AlignedMTL",
    "gradvac": "GradVac",
    "moco": "MoCo",
    "db_mtl": "DBMTL",
    "upgrad": "UPGrad",
    "dualproj": "DualProj",
    "config": "ConFIG",
    "ntkmtl_sr": "NTKMTLSR",
    "excess_mtl": "ExcessMTL",
}
LEVELS = ("losses", "features", "last_shared", "parameters")
_MODULES = {class_name: name for name, class_name in _BALANCERS.items()}

__all__ = [
    "Balancer",
    "GradientBalancer",
    "JacobianBalancer",
    "get",
    "list_balancers",
    *_MODULES,
]


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, name)


def __dir__():
    return sorted(set(globals()) | set(_MODULES))


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
    wanted = {
        "is_scale_free": scale_free,
        "is_conflict_free": conflict_free,
        "is_equivariant": equivariant,
    }
    if level is None and all(value is None for value in wanted.values()):
        return sorted(_BALANCERS)
    classes = {n: __getattr__(c) for n, c in _BALANCERS.items()}
    return sorted(
        name
        for name, method in classes.items()
        if (level is None or level in method.levels)
        and all(
            value is None or getattr(method, attribute) == value
            for attribute, value in wanted.items()
        )
    )


def _hyperparameters(method) -> list[str]:
    names = {}
    for base in method.__mro__:
        given = inspect.signature(base.__init__).parameters.values()
        names.update((p.name, p) for p in given if p.kind != p.VAR_KEYWORD)
        if not any(p.kind == p.VAR_KEYWORD for p in given):
            break
    hidden = {"self", "args"}
    if not method.takes_preference:
        hidden.add("preference")
    return [n for n in names if n not in hidden]


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
        ValueError: If the name or a hyperparameter is unknown, or a weight is
            no finite number of at least zero.
        TypeError: If `identifier` is of another type, or hyperparameters come
            with an identifier that is no name.
    """
    if isinstance(identifier, str):
        if identifier not in _BALANCERS:
            raise ValueError(unknown("balancer", identifier, _BALANCERS))
        method = __getattr__(_BALANCERS[identifier])
        options = _hyperparameters(method)
        for name in hyperparameters:
            if name not in options:
                what = f"hyperparameter of {identifier!r}"
                error = unknown(what, name, options, hyperparameters)
                if name == "on":
                    error += ". It reads losses alone and has no level."
                raise ValueError(error)
        return method(**hyperparameters)
    if hyperparameters:
        raise TypeError(
            "Hyperparameters go with a balancer's name. Received: "
            f"identifier={identifier!r}, {hyperparameters}"
        )
    if isinstance(identifier, Balancer):
        return identifier
    if identifier is None:
        return __getattr__("Equal")()
    if isinstance(identifier, numbers.Real | dict):
        return __getattr__("Static")(identifier)
    if inspect.isclass(identifier) and issubclass(identifier, Balancer):
        raise TypeError(
            "`loss_weights` must be a balancer, not its class. Did you mean "
            f"{identifier.__name__}()? Received: {identifier!r}"
        )
    raise TypeError(
        "`loss_weights` must be None, a number, a dict of task name to "
        "number, the name of a balancer or a Balancer. "
        f"Received: {identifier!r} of type {type(identifier).__name__}"
    )
