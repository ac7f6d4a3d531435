"""Writes files whole, or not at all, and tells them apart by their content."""

import hashlib
import os
import pathlib


def write_atomically(path, write) -> None:
    """Writes a file so that a kill leaves the old one or the new one.

    Args:
        path: String or path of the file; its folder is made if needed.
        write: Function that takes a binary file object and writes to it.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Always the same name, so that what a kill leaves is overwritten.
    temporary = path.with_name(f".{path.name}.partial")
    try:
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path, text: str) -> None:
    """Writes a text file in UTF-8, as `write_atomically` does.

    Args:
        path: String or path of the file.
        text: String.
    """
    write_atomically(path, lambda file: file.write(text.encode("utf-8")))


def sha256(path) -> str:
    """Computes a file's SHA-256 without holding the file in memory.

    Args:
        path: String or path of the file.

    Returns:
        String of 64 hexadecimal digits.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
