"""Clips: animated GIF files, as training reads them."""

from pathlib import Path

from mtl_keras.data.gif_frames import MAX_FRAMES, MAX_PIXELS
from zoo.datasets.folders.records import Damage

_EXTENSION, _FRAME, _TRAILER = 0x21, 0x2C, 0x3B


def check_in(listing, file: str) -> None:
    """Reads the blocks of a folder's clip; see `check`."""
    try:
        check(listing.path(file))
    except Damage as damage:
        raise Damage(str(damage), file=file) from damage


def check(path: Path) -> None:
    """Reads the blocks of a GIF file, without decoding its frames.

    Raises:
        Damage: If it is not a complete GIF with a frame, or its frames are too
            large.
    """
    content = path.read_bytes()
    if content[:6] not in (b"GIF87a", b"GIF89a"):
        raise Damage(
            "Expected a GIF file. Received: another one, or a damaged header"
        )
    try:
        frames, width, height = _frames(content)
    except IndexError:
        raise Damage(
            "Expected a complete GIF file. Received: one that ends too early"
        ) from None
    if not frames or not width * height:
        raise Damage("Expected at least one frame. Received: a GIF of none")
    if frames * width * height > MAX_PIXELS:
        raise Damage(
            f"Expected at most {MAX_PIXELS:,} pixels in all frames. Received: "
            f"{frames} frames of {width} x {height}"
        )


def _frames(content: bytes) -> tuple[int, int, int]:
    """Returns the number of frames that are read, and their largest size.

    Raises:
        Damage: If there is a block of another kind.
        IndexError: If the file ends within a block.
    """

    def number(place):
        return content[place] + 256 * content[place + 1]

    def colours(flags):
        return 3 * (2 << (flags & 7)) if flags & 128 else 0

    def end_of_blocks(place):
        while content[place]:
            place += content[place] + 1
        return place + 1

    frames, width, height = 0, number(6), number(8)
    place = 13 + colours(content[10])
    while content[place] != _TRAILER and frames < MAX_FRAMES:
        if content[place] == _FRAME:
            frames += 1
            width = max(width, number(place + 5))
            height = max(height, number(place + 7))
            place = end_of_blocks(place + 11 + colours(content[place + 9]))
        elif content[place] == _EXTENSION:
            place = end_of_blocks(place + 2)
        else:
            raise Damage(
                "Expected the frames of a GIF file. Received: other bytes at "
                f"{place}"
            )
    return frames, width, height
