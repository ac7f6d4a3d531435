"""Damages the source files of a builder: each is read, or named with a repair.

A builder's own test calls `assert_named` with a small copy of its files and the
function that reads them, for 100 seeds.
"""

import numpy as np

_HTML = b"<!DOCTYPE html><html><body>404: Not Found</body></html>\n"


def assert_named(folder, files, read, seed):
    """Asserts that a damaged file is read, or named with its repair.

    Args:
        folder: An empty folder.
        files: Dict from path within the folder to the bytes of a sound file.
        read: Function of the folder that reads all of them, to the end.
        seed: Integer, which chooses file and damage.
    """
    rng = np.random.default_rng(seed)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    # Sound files are read: otherwise any error would pass below.
    read(folder)
    name = str(rng.choice(sorted(files)))
    damage = DAMAGES[seed % len(DAMAGES)]
    damage(folder / name, files[name], rng)
    try:
        read(folder)
    except ValueError as error:
        message = str(error)
        assert name.split("/")[-1] in message, message
        assert (
            "Expected" in message
            and "Received" in message
            or ("is missing" in message)
        ), message
        assert "original" in message, message
        return
    # Some damages leave what can be read, such as a digit for another one.
    assert damage not in MUST_FAIL, damage.__name__


def missing(path, content, rng):
    path.unlink()


def empty(path, content, rng):
    path.write_bytes(b"")


def truncated(path, content, rng):
    path.write_bytes(content[: rng.integers(1, len(content))])


def page_of_an_error(path, content, rng):
    path.write_bytes(_HTML)


def zeros(path, content, rng):
    path.write_bytes(bytes(len(content)))


def noise(path, content, rng):
    path.write_bytes(rng.bytes(len(content)))


def flipped_bytes(path, content, rng):
    changed = bytearray(content)
    for place in rng.integers(0, len(content), 3):
        changed[place] ^= int(rng.integers(1, 256))
    path.write_bytes(bytes(changed))


def cut_out(path, content, rng):
    start, end = sorted(rng.integers(0, len(content), 2))
    path.write_bytes(content[:start] + content[end:])


def appended(path, content, rng):
    path.write_bytes(content + rng.bytes(50))


def folder_in_its_place(path, content, rng):
    path.unlink()
    path.mkdir()


DAMAGES = (
    missing,
    empty,
    truncated,
    page_of_an_error,
    zeros,
    noise,
    flipped_bytes,
    cut_out,
    appended,
    folder_in_its_place,
)
# Whatever the format, these cannot be read.
MUST_FAIL = (missing, empty, page_of_an_error, noise, folder_in_its_place)
