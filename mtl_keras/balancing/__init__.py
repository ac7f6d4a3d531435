"""Methods that balance the tasks of one model against each other."""

from mtl_keras.balancing import registry
from mtl_keras.balancing.registry import get, list_balancers
from mtl_keras.class_files import lazy_attributes

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

__getattr__, __dir__ = lazy_attributes(__name__, _CLASSES, __all__)
