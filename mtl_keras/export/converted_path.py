"""The path of a file that a converter is to write."""

import pathlib


def check(path, ending: str, overwrite: bool) -> pathlib.Path:
    """Checks that a converted model can be written to a path.

    Args:
        path: String or `pathlib.Path`.
        ending: String, how the file's name has to end: `".onnx"`.
        overwrite: Boolean, whether a file that is there may be replaced.

    Returns:
        `pathlib.Path`.

    Raises:
        ValueError: If the name ends in something else, the path is a folder,
            or it is taken.
    """
    path = pathlib.Path(path)
    if path.suffix != ending:
        raise ValueError(
            f"`path` must end in {ending}. Received: {str(path)!r}. "
            f"Write {str(path.with_suffix(ending))!r}."
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
