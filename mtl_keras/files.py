"""Writes files whole or not at all, reads them with checks, locks them."""

import contextlib
import hashlib
import json
import os
import pathlib


class LockedError(ValueError):
    """Another process holds a lock."""


def write_atomically(path, write, *, previous=None) -> None:
    """Writes a file so that a kill leaves the old one or the new one.

    Args:
        path: String or path of the file; its folder is made if needed.
        write: Function that takes a binary file object and writes to it.
        previous: Path to which an old file is renamed. A kill at that moment
            leaves the old one there, and none at `path`. Defaults to `None`:
            the old file is replaced.
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
        if previous is not None and path.exists():
            os.replace(path, previous)
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


def parse_json_object(content: bytes | str) -> dict:
    """Parses JSON that must be an object.

    Args:
        content: Bytes of UTF-8, or string.

    Returns:
        Dict.

    Raises:
        ValueError: If it is not JSON, nested too deeply, or not an object.
    """
    try:
        if isinstance(content, bytes):
            content = content.decode("utf-8")
        value = json.loads(content)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8: {error.reason}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError(f"it holds {_brief(value)} in place of an object")
    return value


def read_json_object(path, repair: str = "") -> dict:
    """Reads a file of JSON that must be an object.

    Args:
        path: String or path of the file.
        repair: String, a sentence for the error that says what to do.

    Returns:
        Dict.

    Raises:
        ValueError: If the file is damaged, with its path.
        OSError: If it cannot be opened.
    """
    try:
        return parse_json_object(pathlib.Path(path).read_bytes())
    except ValueError as error:
        raise ValueError(
            f"{str(path)!r} is damaged: {error}.{' ' if repair else ''}{repair}"
        ) from error


@contextlib.contextmanager
def lock(path, what: str, *, waits: bool = False):
    """Holds a lock between processes; a kill releases it.

    Args:
        path: String or path of the lock's file, in a folder that exists. It
            is deleted on release; one that a kill leaves does no harm.
        what: String, what is locked, for the error: `"The workdir 'runs/a'"`.
        waits: Boolean, whether to wait for the holder in place of an error.

    Yields:
        `None`.

    Raises:
        LockedError: If another process, or this one, holds the lock.
    """
    # Not on Windows, where TensorFlow has no releases since 2.11.
    import fcntl

    path = pathlib.Path(path)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            how = fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB
            fcntl.flock(descriptor, how)
            if _is_same_file(descriptor, path):
                break
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace")
            os.close(descriptor)
            raise LockedError(
                f"{what} is in use by another process"
                f"{f' ({holder})' if holder else ''}. Wait until it ends, or "
                "choose another path."
            ) from error
        # The holder deleted the file between the opening and the locking.
        os.close(descriptor)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _is_same_file(descriptor, path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _brief(value) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
