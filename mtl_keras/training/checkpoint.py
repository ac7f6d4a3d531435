"""One file with the whole training state, from which a run resumes."""

import json

import numpy as np
from keras import ops

from mtl_keras import finite
from mtl_keras.files import parse_json_object, write_atomically

_PROGRESS = "progress"


class DamagedError(ValueError):
    """A checkpoint is damaged, or holds NaN or infinity."""


def save(model, path, progress: dict, *, previous=None) -> None:
    """Saves a compiled model's whole training state.

    Unlike `.weights.h5` this holds the state of the random generators
    (dropout), all bit by bit. So does a `.keras` file of a `MultiTaskModel`,
    which holds the model's structure too; of a plain `keras.Model` it does
    not, and dropout starts again from its seed.

    Args:
        model: Compiled `keras.Model` with a built optimizer.
        path: String or path of the file.
        progress: Dict of plain data, kept beside the state.
        previous: Path to which an earlier file at `path` is renamed. Defaults
            to `None`: it is replaced.

    Raises:
        ValueError: If a variable holds NaN or infinity. An earlier file is
            left as it is.
    """
    variables = _variables(model)
    arrays = {
        key: ops.convert_to_numpy(variable.value)
        for key, variable in variables.items()
    }
    names = [
        variables[key].path
        for key, array in arrays.items()
        if not finite.is_finite(array)
    ]
    if names:
        raise ValueError(
            "The training has diverged: NaN or infinity in "
            f"{finite.described(names)}. No checkpoint was written; an earlier "
            "one is unchanged. Lower the learning rate, or set clipnorm, in "
            "another workdir."
        )
    text = json.dumps(progress).encode()
    arrays[_PROGRESS] = np.frombuffer(text, dtype=np.uint8)
    write_atomically(
        path, lambda file: np.savez(file, **arrays), previous=previous
    )


def restore(model, path, prepare=None) -> dict:
    """Restores what `save` saved.

    Args:
        model: Model of the same structure, compiled with the same optimizer.
        path: String or path of the file.
        prepare: Function of the progress that compiles the model with the
            optimizer of that moment. Defaults to `None`: it is compiled.

    Returns:
        The progress given to `save`.

    Raises:
        DamagedError: If the file is damaged or holds NaN or infinity.
        ValueError: If it is of another model.
    """
    try:
        # NumPy leaves a damaged file open that it opened itself.
        with open(path, "rb") as content, np.load(content) as file:
            arrays = {key: file[key] for key in file.files}
        progress = parse_json_object(arrays.pop(_PROGRESS).tobytes())
    except Exception as error:
        # Damage surfaces as errors of zipfile, NumPy, json and others.
        raise DamagedError(
            f"The checkpoint {str(path)!r} cannot be read: {error}. Delete it "
            "to start again."
        ) from error
    if prepare is not None:
        prepare(progress)
    variables = _variables(model)
    _check_same(variables, arrays, path)
    for key, variable in variables.items():
        if arrays[key].dtype.kind == "V":
            # NumPy stores bfloat16 as two bytes without a meaning.
            dtype = ops.convert_to_numpy(variable.value).dtype
            arrays[key] = arrays[key].view(dtype)
    names = [
        variables[key].path
        for key, array in arrays.items()
        if not finite.is_finite(array)
    ]
    if names:
        raise DamagedError(
            f"The checkpoint {str(path)!r} holds NaN or infinity in "
            f"{finite.described(names)}. Delete it to start again."
        )
    for key, variable in variables.items():
        variable.assign(arrays[key])
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
