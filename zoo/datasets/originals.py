"""The original files of a data set: given by hand, or downloaded."""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from socket import gaierror
from urllib.error import URLError

import tensorflow_datasets as tfds

from mtl_keras import files
from mtl_keras.messages import listed

_GZIP = b"\x1f\x8b"


def find(dl_manager, name: str, urls: Mapping[str, str]) -> dict[str, Path]:
    """Finds files in the manual folder, or downloads them.

    Args:
        dl_manager: `tfds.download.DownloadManager`.
        name: String, the data set, whose files may lie in a folder of this
            name within the manual folder.
        urls: Dict from path within the folder to address. The sums of the
            addresses are in `checksums.tsv` beside the builder.

    Returns:
        Dict from path within the folder to `pathlib.Path`.

    Raises:
        OSError: If they cannot be downloaded.
    """
    for folder in manual_folders(dl_manager, name):
        paths = {path: folder / path for path in urls}
        if all(path.is_file() for path in paths.values()):
            return paths
    return download(dl_manager.download, name, urls, urls)


def download(
    function, name: str, urls: Mapping[str, str], expected: Iterable[str]
) -> dict[str, Path]:
    """Downloads files, and says what else to do where that fails.

    Args:
        function: Function of a dict of addresses, such as
            `dl_manager.download_and_extract`.
        name: String, the folder within the manual folder where a user may put
            the files.
        urls: Dict from any key to address.
        expected: Strings, the paths within that folder that are looked for.

    Returns:
        Dict from the keys of `urls` to `pathlib.Path`.

    Raises:
        OSError: If an address does not answer or refuses.
    """
    try:
        downloaded = function(dict(urls))
    except (OSError, tfds.download.DownloadError) as error:
        if _is_local(error):
            raise
        raise OSError(
            f"The original files of {name!r} could not be downloaded. Expected "
            f"an answer from {listed(urls.values())}. Received: {error}. Try "
            f"again with a network, or put {listed(expected)} into "
            f"'downloads/manual/{name}' in the folder of prepared data sets "
            "(--data_dir)."
        ) from error
    return {path: Path(file) for path, file in downloaded.items()}


def _is_local(error) -> bool:
    """Whether it is a fault of this machine's files, such as a full disk."""
    is_of_network = isinstance(
        error, ConnectionError | TimeoutError | URLError | gaierror
    )
    return getattr(error, "errno", None) is not None and not is_of_network


def manual_folders(dl_manager, name: str) -> list[Path]:
    """Lists the folders in which a user may have put the files of a data set.

    Args:
        dl_manager: `tfds.download.DownloadManager`.
        name: String, the data set.

    Returns:
        List of existing folders, which may be empty.
    """
    try:
        manual = Path(dl_manager.manual_dir)
    except AssertionError:
        # TFDS raises it where the user has made no such folder.
        return []
    return [path for path in (manual / name, manual) if path.is_dir()]


def damage(path, expected: str, received: str, line: int | None = None):
    """Makes the error of a file that is not what it should be.

    Args:
        path: Path of the file.
        expected: String, such as `"15 columns"`.
        received: String, such as `"3 columns"`.
        line: Integer, counted from 1, where the file has lines.

    Returns:
        `ValueError` that names file, line and repair.
    """
    place = "" if line is None else f", line {line}"
    return ValueError(
        f"The file {str(path)!r}{place} is damaged. Expected {expected}. "
        f"Received: {received[:80]}. Delete it, so that it is downloaded "
        "again, or replace it by the original."
    )


def lines(path, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Reads the lines of a text file, which may be compressed by gzip.

    Args:
        path: Path of the file.
        encoding: String.

    Yields:
        Pairs of the number of a line, from 1, and the line without its end.

    Raises:
        ValueError: If the file is missing or empty, or is not text.
    """
    try:
        text = _unpacked(path).decode(encoding)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise missing(path) from error
    except UnicodeDecodeError as error:
        raise damage(path, f"text in {encoding}", str(error)) from error
    if not text.strip():
        raise damage(path, "lines of text", "an empty file")
    yield from enumerate(text.splitlines(), 1)


def _unpacked(path) -> bytes:
    content = Path(path).read_bytes()
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise damage(path, "a file of gzip", str(error)) from error


def missing(path) -> ValueError:
    """Makes the error of a file that is not there."""
    return ValueError(
        f"The file {str(path)!r} is missing. Expected all original files in "
        "one folder. Put it there, or remove the folder, so that all of them "
        "are downloaded."
    )


def check_sum(path, sha256: str) -> None:
    """Compares a file with the sum of its original.

    Args:
        path: Path of the file.
        sha256: String, the sum of the original in hexadecimal digits.

    Raises:
        ValueError: If they differ.
    """
    received = files.sha256(path)
    if received != sha256:
        raise damage(path, f"sha256 {sha256[:16]}...", f"{received[:16]}...")
