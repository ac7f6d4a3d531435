"""The arrays that variables hold on JAX."""

import keras
from keras import ops


def own_buffers(variables) -> None:
    """Gives each variable a buffer of its own.

    With `use_ema=True`, Keras 3.15 ends `fit` by assigning the averages to
    the weights. On JAX both then hold one array, and the next `fit` fails:
    its compiled step is given the array twice and may keep it only once
    ("donate the same buffer twice"). TensorFlow copies when it assigns.

    Args:
        variables: List of `keras.Variable`, those assigned to.
    """
    if keras.backend.backend() == "jax":
        for variable in variables:
            # None where an error took the step's state with it.
            if variable._value is not None:
                variable.assign(ops.copy(variable.value))


def held_values(variables) -> list:
    """Lists `(variable, value)` of variables on JAX, without a copy.

    On TensorFlow there is nothing to list: values are changed in place.

    Args:
        variables: List of `keras.Variable`.
    """
    if keras.backend.backend() != "jax":
        return []
    return [(v, v._value) for v in variables if v._value is not None]


def give_back(held) -> None:
    """Restores the values of variables that lost them.

    Args:
        held: What `held_values` returned. A value that a step has consumed is
            skipped; Keras then restores what the step returned.
    """
    for variable, value in held:
        if variable._value is None and not value.is_deleted():
            variable.assign(value)
