"""Training on the backend that Keras runs on.

The functions of this package are the methods of `backend.Backend`, where each
is documented: `engine.num_replicas()`, `engine.train_step(model, data)`.
"""

import importlib

import keras

from mtl_keras.engine.backend import Backend

_BACKENDS = ("tensorflow", "jax")
_FUNCTIONS = tuple(name for name in vars(Backend) if not name.startswith("_"))


def __getattr__(name):
    if name not in _FUNCTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    backend = keras.backend.backend()
    if backend not in _BACKENDS:
        raise ValueError(
            "mtl_keras runs on the backends 'tensorflow' and 'jax'. "
            f"Received: backend {backend!r}. Set the environment variable "
            "KERAS_BACKEND before the first import of keras."
        )
    module = importlib.import_module(f"{__name__}.{backend}")
    # Selected once: from now on these are plain attributes.
    globals().update({key: getattr(module.BACKEND, key) for key in _FUNCTIONS})
    return globals()[name]


def __dir__():
    return sorted(set(globals()) | set(_FUNCTIONS))
