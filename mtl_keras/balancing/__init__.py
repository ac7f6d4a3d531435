"""Methods that balance the tasks of one model against each other."""

import importlib

from mtl_keras.balancing import registry
from mtl_keras.balancing.registry import get, list_balancers
from mtl_keras.messages import did_you_mean

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

__all__ = ["get", "list_balancers", *_CLASSES]


def __getattr__(name):
    if name not in _CLASSES:
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}."
            f"{did_you_mean(name, __all__)}"
        )
    module = importlib.import_module(f"{__name__}.{_CLASSES[name]}")
    return getattr(module, name)


def __dir__():
    return sorted(set(globals()) | set(_CLASSES))
