"""The files that a command line names."""

from collections.abc import Sequence
from pathlib import Path

from mtl_keras.messages import listed


def check(names: list[str]) -> None:
    """Raises where a command line names nothing.

    Raises:
        ValueError: If there are no names, or one is empty.
    """
    if not names:
        raise ValueError(
            "Expected image files, recordings or folders of them, or "
            "sentences, each in quotes. Received: none. For example: python "
            "-m tools.predict --model cls_det_box photo.png"
        )
    # It would be the current folder.
    if "" in names:
        raise ValueError(
            "Expected a file, a folder or a sentence. Received: an empty "
            "argument, ''"
        )


def find(names: list[str], endings: Sequence[str], noun: str) -> list[Path]:
    """Finds the files that a command line names.

    Args:
        names: List of strings, each a file or a folder.
        endings: Strings, the endings of those files of a folder that count.
        noun: String for the error, such as `"image"`.

    Returns:
        List of `pathlib.Path`, those of a folder sorted by name.

    Raises:
        ValueError: If nothing is named, or a folder holds no such file.
    """
    check(names)
    paths = []
    for name in names:
        path = Path(name)
        if not path.is_dir():
            paths.append(path)
            continue
        inside = sorted(
            file for file in path.iterdir() if file.suffix.lower() in endings
        )
        if not inside:
            raise ValueError(
                f"The folder {name!r} holds no {noun}: no file that ends in "
                f"{listed(endings)}."
            )
        paths += inside
    # A file that is named twice is predicted once.
    return list(dict.fromkeys(paths))
