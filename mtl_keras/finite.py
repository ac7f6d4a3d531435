"""Finds arrays and variables with values that are not finite."""

import numpy as np


def is_finite(array) -> bool:
    """Tells whether an array holds neither NaN nor infinity.

    Args:
        array: NumPy array of any dtype and shape; one without floats is
            finite.

    Returns:
        Boolean.
    """
    if array.dtype.kind == "V":
        # bfloat16 and float8, which NumPy knows as bytes only.
        array = array.astype(np.float32)
    if array.dtype.kind not in "fc":
        return True
    return bool(np.isfinite(array).all())


def check_model(model, what: str) -> None:
    """Checks the variables of a model before it is stored.

    Args:
        model: `keras.Model`, built.
        what: String, what is refused: `"An export"`.

    Raises:
        ValueError: If a variable holds NaN or infinity.
    """
    from keras import ops

    names = [
        variable.path
        for variable in model.variables
        if not is_finite(ops.convert_to_numpy(variable.value))
    ]
    if names:
        raise ValueError(
            f"{what} needs finite weights. Received: NaN or infinity in "
            f"{described(names)}. Load weights from before the training "
            "diverged."
        )


def described(names: list[str]) -> str:
    """Writes names of variables for an error: their number and the first."""
    if len(names) == 1:
        return f"the variable {names[0]!r}"
    return f"{len(names)} variables, the first {names[0]!r}"
