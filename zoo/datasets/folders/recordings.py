"""Recordings: wav files of 16-bit samples, as training reads them."""

import wave
from pathlib import Path

from zoo.datasets.folders.records import Damage

_MIN_RATE, _MAX_RATE = 1_000, 384_000
_BYTES = 2


def check_in(listing, file: str) -> None:
    """Reads the header of a folder's recording; see `check`."""
    try:
        check(listing.path(file))
    except Damage as damage:
        raise Damage(str(damage), file=file) from damage


def check(path: Path) -> None:
    """Reads the header of a recording.

    Raises:
        Damage: If it is not a wav file of 16-bit PCM samples, or shorter
            than its header declares.
    """
    # Seeking behind the end is a RuntimeError of Python 3.11's `chunk`.
    try:
        with open(path, "rb") as content, wave.open(content) as file:
            about = file.getparams()
            # Where the samples begin; `file.tell()` counts frames.
            start = content.tell()
    except (wave.Error, EOFError, OSError, RuntimeError) as error:
        raise Damage(
            "Expected a wav file of 16-bit PCM samples. Received: "
            f"{str(error)[:60] or 'a file that ends in its header'}"
        ) from error
    if about.sampwidth != _BYTES:
        raise Damage(
            f"Expected samples of 16 bits. Received: {8 * about.sampwidth} bits"
        )
    if not _MIN_RATE <= about.framerate <= _MAX_RATE:
        raise Damage(
            f"Expected {_MIN_RATE:,} to {_MAX_RATE:,} samples a second. "
            f"Received: {about.framerate:,}"
        )
    declared = about.nframes * about.nchannels * _BYTES
    length = path.stat().st_size - start
    if not declared or declared > length:
        raise Damage(
            "Expected as many samples as the header declares, at least one. "
            f"Received: {declared} bytes declared, {length} there"
        )
