"""The numbers of a model's versions, as TensorFlow Serving reads them."""

import pathlib
import re

# `7`, and `model-7.tflite` of the files beside such folders.
_NUMBERED = re.compile(r"(?P<folder>[0-9]+)|.+-(?P<file>[0-9]+)\.(tflite|onnx)")


def next_version(folder) -> pathlib.Path:
    """Returns the folder of a model's next version.

    TensorFlow Serving reads a model's folder, in which each version is a folder
    named by a number, and serves the largest.

    Args:
        folder: String or `pathlib.Path`, the model's folder. It need not
            exist.

    Returns:
        `pathlib.Path`, `folder/N`: `N` is one more than the largest number of a
        version (`3`) or file (`model-3.tflite`) in it, or 1. The folder is not
        created.

    Raises:
        ValueError: If `folder` is a file or itself an export.
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
            f"Received: {str(folder)!r}, which is itself an export. Pass its "
            f"parent folder, {str(folder.parent)!r}."
        )
    paths = folder.iterdir() if folder.is_dir() else ()
    matches = filter(None, (_NUMBERED.fullmatch(p.name) for p in paths))
    numbers = [int(match["folder"] or match["file"]) for match in matches]
    return folder / str(max(numbers, default=0) + 1)
