"""One file with all that a run needs to resume as if it never stopped."""

import json

import numpy as np
from keras import ops

from mtl_keras.files import write_atomically

_PROGRESS = "progress"


def save(model, path, progress: dict) -> None:
    """Saves a compiled model's whole training state.

    Unlike `.weights.h5` this holds the state of the random generators
    (dropout), all bit by bit. So does a `.keras` file of a `MultiTaskModel`,
    which holds the model's structure too; of a plain `keras.Model` it does
    not, and dropout starts again from its seed.

    Args:
        model: Compiled `keras.Model` with a built optimizer.
        path: String or path of the file.
        progress: Dict of plain data, kept beside the state.
    """
    arrays = {
        key: ops.convert_to_numpy(variable.value)
        for key, variable in _variables(model).items()
    }
    text = json.dumps(progress).encode()
    arrays[_PROGRESS] = np.frombuffer(text, dtype=np.uint8)
    write_atomically(path, lambda file: np.savez(file, **arrays))


def restore(model, path) -> dict:
    """Restores what `save` saved.

    Args:
        model: Model of the same structure, compiled with the same optimizer.
        path: String or path of the file.

    Returns:
        The progress given to `save`.

    Raises:
        ValueError: If the file is damaged or of another model.
    """
    try:
        with np.load(path) as file:
            arrays = {key: file[key] for key in file.files}
        progress = json.loads(arrays.pop(_PROGRESS).tobytes())
    except Exception as error:
        # Damage surfaces as errors of zipfile, NumPy, json and others.
        raise ValueError(
            f"The checkpoint {str(path)!r} cannot be read: {error}. Delete it "
            "to start again."
        ) from error
    variables = _variables(model)
    _check_same(variables, arrays, path)
    for key, variable in variables.items():
        array = arrays[key]
        if array.dtype.kind == "V":
            # NumPy stores bfloat16 as two bytes without a meaning.
            array = array.view(ops.convert_to_numpy(variable.value).dtype)
        variable.assign(array)
    return progress


def _variables(model) -> dict:
    groups = {"model": model.variables, "optimizer": model.optimizer.variables}
    return {
        # By position: a layer's name may count the layers made before it.
        f"{group}/{index:05d}": variable
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }


def _check_same(variables, arrays, path):
    shapes = {key: tuple(v.shape) for key, v in variables.items()}
    stored = {key: array.shape for key, array in arrays.items()}
    if shapes == stored:
        return
    different = sorted(
        key
        for key in shapes.keys() | stored.keys()
        if shapes.get(key) != stored.get(key)
    )
    first = different[0]
    raise ValueError(
        f"The checkpoint {str(path)!r} is of another model or optimizer: "
        f"{len(different)} variables differ, the first is {first!r}. Expected "
        f"shape {shapes.get(first, 'none')}. Received: "
        f"{stored.get(first, 'none')}. Choose another workdir."
    )
