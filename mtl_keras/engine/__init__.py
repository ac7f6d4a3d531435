"""What differs between backends; everything else is `keras.ops`."""

import importlib

import keras

_BACKENDS = ("tensorflow", "jax")


def _module():
    backend = keras.backend.backend()
    if backend not in _BACKENDS:
        raise ValueError(
            "mtl_keras runs on the backends 'tensorflow' and 'jax'. "
            f"Received: backend {backend!r}. Set the environment variable "
            "KERAS_BACKEND before the first import of keras."
        )
    return importlib.import_module(f"mtl_keras.engine.{backend}")


def num_replicas() -> int:
    """Returns how many replicas run the step that is being traced."""
    return _module().num_replicas()


def sum_over_replicas(tensors: list) -> list:
    """Sums tensors over the replicas that run this step.

    Args:
        tensors: List of tensors of one shape, this replica's share.

    Returns:
        List of tensors, the sums; the same on every replica.
    """
    return _module().sum_over_replicas(tensors)


def gather_over_replicas(tensors):
    """Brings the replicas' parts of a batch together on each replica.

    Args:
        tensors: Nested structure of tensors with a leading batch axis; the
            parts may be of different lengths.

    Returns:
        The same structure with the whole batch, in the replicas' order.
    """
    return _module().gather_over_replicas(tensors)


def collecting(test_function, steps, key: str, collect):
    """Wraps a test function so that it hands out what its steps collected.

    Args:
        test_function: The model's compiled function of one evaluation step.
        steps: Function that returns how many steps a call shall take.
        key: String, the entry of the step's logs that is taken out.
        collect: Function called with that entry's value, once a step.

    Returns:
        Function to be used in the place of `test_function`.
    """
    return _module().collecting(test_function, steps, key, collect)


def make_deterministic() -> None:
    """Makes the same run give the same bits again, where the backend can."""
    _module().make_deterministic()


def devices() -> list[str]:
    """Lists the devices that steps run on, such as `"CPU:0"`."""
    return _module().devices()


def versions() -> dict[str, str]:
    """Returns the versions of Python, Keras and the backend."""
    import platform

    backend = keras.backend.backend()
    module = importlib.import_module(backend)
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        backend: module.__version__,
    }


def event_callbacks(folder) -> list:
    """Returns the callbacks that write TensorBoard's events.

    Args:
        folder: Path of the folder of the events.
    """
    return _module().event_callbacks(folder)


def step_function(model, x, y):
    """Makes a function that trains a model one step on the same batch.

    Args:
        model: Compiled `keras.Model`.
        x: NumPy array, the inputs.
        y: Dict, task name to NumPy array of labels.

    Returns:
        Function without arguments; it returns when the step is done.
    """
    return _module().step_function(model, x, y)


def step_memory(model, x, y, steps: int) -> int:
    """Measures the peak memory of a training step, in bytes.

    Args:
        model: Compiled `keras.Model`.
        x: NumPy array, the inputs.
        y: Dict, task name to NumPy array of labels.
        steps: Integer, steps to take where a step has to be taken.

    Returns:
        Integer: what the compiled step holds at once, on JAX; the resident
        memory of this process, on TensorFlow.
    """
    return _module().step_memory(model, x, y, steps)


def make_train_function(model, make):
    """Makes the function that `fit` calls for a step that reads gradients.

    Args:
        model: `MultiTaskModel` with an step_plan.
        make: Function without arguments, Keras's own making of it.

    Returns:
        What `make` returns.
    """
    return _module().make_train_function(model, make)


def train_step(model, *args):
    """Takes a training step that balances the tasks' gradients.

    Args:
        model: `MultiTaskModel` with an step_plan.
        *args: What the backend's `train_step` is given.

    Returns:
        What the backend's `train_step` returns.
    """
    backend = keras.backend.backend()
    step = importlib.import_module(f"mtl_keras.engine.{backend}_step")
    return step.train_step(model, *args)
