"""Image files, read with Pillow, which matplotlib brings along."""

import hashlib
import io
import warnings
from pathlib import Path

from zoo.datasets.folders import array_files
from zoo.datasets.folders.records import Damage

# As `mtl_keras.data.image_header.MAX_PIXELS`: what training would refuse.
MAX_PIXELS = 64_000_000
# The formats that TensorFlow decodes.
_SINGLE = ("1", "L", "P")
_FORMATS = ("PNG", "JPEG", "BMP", "GIF")


def size(path: Path) -> tuple[int, int]:
    """Reads an image's width and height from its header.

    Raises:
        Damage: If the file is not an image that TensorFlow can decode.
    """
    if array_files.is_array(path):
        return array_files.size(path)
    with _opened(path) as image:
        return image.size


def size_in(listing, file: str) -> tuple[int, int]:
    """Reads the width and height of a folder's image; see `size`."""
    try:
        return size(listing.path(file))
    except Damage as damage:
        raise Damage(str(damage), file=file) from damage


def check(path: Path) -> str:
    """Decodes an image.

    Args:
        path: Path.

    Returns:
        String, a sum of the file's bytes.

    Raises:
        Damage: If the file cannot be decoded whole.
    """
    if array_files.is_array(path):
        return array_files.check(path)
    contents = path.read_bytes()
    with _opened(io.BytesIO(contents)) as image:
        # Of a JPEG an eighth of each side is decoded: every byte is read, and
        # it takes a third of the time.
        image.draft(None, (image.width // 8, image.height // 8))
        _load(image)
    return hashlib.blake2b(contents, digest_size=16).hexdigest()


def pixels(path: Path):
    """Decodes an image to a uint8 array `(height, width, 3)`.

    Raises:
        Damage: If the file cannot be decoded whole.
    """
    import numpy as np

    if array_files.is_array(path):
        return array_files.pixels(path)
    with _opened(path) as image:
        _load(image)
        return np.asarray(image.convert("RGB"))


def single_channel(path: Path):
    """Decodes an image of one number a pixel: grey, or of a palette.

    Returns:
        uint8 array `(height, width)`; of a palette, the places in it.

    Raises:
        Damage: If the file cannot be decoded, or has colours.
    """
    import numpy as np

    with _opened(path) as image:
        _load(image)
        if image.mode not in _SINGLE:
            raise Damage(
                "Expected an image of one number a pixel, grey or with a "
                f"palette. Received: the mode {image.mode}"
            )
        return np.asarray(image).astype(np.uint8)


def _load(image):
    try:
        image.load()
    # Pillow raises the types below, by format and damage.
    except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        raise Damage(
            f"Expected a whole image file. Received: {str(error)[:80]}"
        ) from error


def _opened(source):
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Its size is judged below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(source, formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise Damage(
            "Expected a PNG, JPEG, BMP or GIF file. Received: another one, or "
            "a damaged header"
        ) from error
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
    ) as error:
        raise Damage(
            f"Expected an image file. Received: {str(error)[:80]}"
        ) from error
    if image.width * image.height > MAX_PIXELS:
        received = f"{image.width} x {image.height}"
        image.close()
        raise Damage(
            f"Expected an image of at most {MAX_PIXELS:,} pixels. "
            f"Received: {received}"
        )
    return image
