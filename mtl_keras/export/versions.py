"""The numbers that TensorFlow Serving knows a model's versions by."""

import pathlib
import re

# `7`, and of the files beside such folders `model-7.tflite`.
_NUMBERED = re.compile(r"(?P<folder>[0-9]+)|.+-(?P<file>[0-9]+)\.(tflite|onnx)")


def next_version(folder) -> pathlib.Path:
    """Finds the folder of a model's next version.

    TensorFlow Serving is given a model's folder, in which each version is a
    folder with a number for its name, and serves the largest.

    Args:
        folder: String or `pathlib.Path`, the model's folder. It need not
            exist.

    Returns:
        `pathlib.Path`, `folder/N`: `N` is larger by one than any number that
        names a version in there (`3`) or a file beside (`model-3.tflite`), 1
        where there is none. Nothing is made.

    Raises:
        ValueError: If `folder` is a file or an export itself.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(
            "Expected a folder of versions, `1`, `2` and so on. "
            f"Received: {str(folder)!r}, which is a file. Choose another "
            "folder."
        )
    if folder.joinpath("saved_model.pb").is_file():
        raise ValueError(
            "Expected a folder of versions, `1`, `2` and so on. "
            f"Received: {str(folder)!r}, which is an export itself. Give the "
            f"folder that it lies in, {str(folder.parent)!r}."
        )
    names = folder.iterdir() if folder.is_dir() else ()
    found = [_NUMBERED.fullmatch(path.name) for path in names]
    numbers = [int(name["folder"] or name["file"]) for name in found if name]
    return folder / str(max(numbers, default=0) + 1)
