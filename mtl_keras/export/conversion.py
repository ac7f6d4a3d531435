"""What LiteRT and ONNX exports have in common: checks, a trial run, saving."""

import pathlib
from collections.abc import Callable

from mtl_keras import files, finite
from mtl_keras.export import runtimes, task_outputs


def prepare(model, path, ending: str, overwrite: bool):
    """Checks the arguments of a conversion.

    Args:
        model: Functional `keras.Model` whose outputs are a flat dict.
        path: String or `pathlib.Path`.
        ending: String, the required ending of the file's name: `".onnx"`.
        overwrite: Boolean, whether an existing file may be replaced.

    Returns:
        Pair: `pathlib.Path`, and a `keras.Model` from a list of tensors to a
        dict of all outputs.

    Raises:
        ValueError: If the backend is not TensorFlow, the model does not fit
            or its weights hold NaN or infinity,
            the path has another ending, is a folder, or exists.
    """
    task_outputs.check_backend(f"A {ending} file")
    outputs = task_outputs.task_outputs(model)
    finite.check_model(model, "An export")
    path = _checked_path(path, ending, overwrite)
    return path, task_outputs.part_of(model, outputs)


def save(content: bytes, path, model, repair: Callable[[str], str]) -> None:
    """Runs a converted model once in its own runtime, and saves it.

    Args:
        content: Bytes, the converted model.
        path: `pathlib.Path` of the file.
        model: Functional `keras.Model` from which it was made.
        repair: Function of the runtime's error text that returns a sentence
            on how to fix it.

    Raises:
        ValueError: If the runtime is not installed or cannot run the model.
    """
    try:
        runtimes.try_out(runtimes.open_content(content, path.suffix), model)
    except runtimes.MissingRuntime:
        raise
    # Some of the runtimes' errors derive directly from Exception.
    except Exception as error:
        raise ValueError(
            "The runtime cannot run the converted model. "
            f"Received: {error}. {repair(str(error))}"
        ) from error
    files.write_atomically(path, lambda file: file.write(content))


def _checked_path(path, ending, overwrite) -> pathlib.Path:
    path = pathlib.Path(path)
    if path.suffix != ending:
        raise ValueError(
            f"`path` must end in {ending}. Received: {str(path)!r}. "
            f"Use {str(path.with_suffix(ending))!r}."
        )
    if path.is_dir():
        raise ValueError(
            f"`path` must be a file to write. Received: {str(path)!r}, which "
            "is a folder."
        )
    if path.exists() and not overwrite:
        raise ValueError(
            f"`path` must not exist yet. Received: {str(path)!r}. Choose "
            "another path, or pass overwrite=True to replace it."
        )
    return path
