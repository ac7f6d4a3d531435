"""Reads an image from a file, with a clear error for any other file."""

import os
import pathlib

from mtl_keras.data import image_header
from mtl_keras.data.image_header import MAX_PIXELS
from mtl_keras.data.preprocessing import decode
from mtl_keras.messages import did_you_mean


def load_image(path, channels: int = 3, max_pixels: int = MAX_PIXELS):
    """Reads a PNG, JPEG, BMP or GIF file (the first frame of a GIF).

    Args:
        path: String or `pathlib.Path`, the file.
        channels: Integer, 1 (gray) or 3 (colours).
        max_pixels: Integer, the largest height times width. It is compared
            with the file's header before decoding: a file of some kilobytes
            can declare an image of gigabytes.

    Returns:
        NumPy uint8 array of shape `(height, width, channels)`.

    Raises:
        ValueError: If the file does not exist, cannot be read, is a folder, is
            not an image, is damaged, or is too large.
    """
    path = pathlib.Path(path)
    contents = _read(path)
    size = declared_size(contents)
    if size is None:
        raise ValueError(
            f"Expected a PNG, JPEG, BMP or GIF file. Received: {str(path)!r}, "
            f"{len(contents)} bytes, which is not. Convert it first."
        )
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(_damaged(path, f"declares {height} x {width} pixels"))
    if height * width > max_pixels:
        raise ValueError(
            f"Expected an image of at most {max_pixels:,} pixels. "
            f"Received: {str(path)!r}, which declares {height} x {width} = "
            f"{height * width:,} pixels. Resize it, or pass a larger "
            "`max_pixels`."
        )
    return _decoded(path, contents, channels, max_pixels)


def declared_size(contents: bytes) -> tuple[int, int] | None:
    """Reads height and width from an image's header, without decoding.

    Args:
        contents: Bytes of the file.

    Returns:
        Pair `(height, width)` in pixels, not positive if the header is
        damaged, or `None` if the bytes are not a PNG, JPEG, BMP or GIF.
    """
    import tensorflow as tf

    try:
        is_known, size, _ = image_header.read(contents)
    except tf.errors.InvalidArgumentError:
        return 0, 0
    height, width = size.numpy().tolist()
    return (height, width) if is_known else None


def _read(path):
    if path.is_dir():
        raise ValueError(
            f"Expected an image file. Received: {str(path)!r}, which is a "
            "folder. Pass a file in it."
        )
    if not path.exists():
        folder = path.parent
        names = os.listdir(folder) if folder.is_dir() else []
        raise ValueError(
            f"Expected an image file. Received: {str(path)!r}, which does not "
            f"exist.{did_you_mean(path.name, names)}"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(
            f"Expected an image file that can be read. Received: "
            f"{str(path)!r}: {error.strerror}"
        ) from error


def _decoded(path, contents, channels, max_pixels):
    import tensorflow as tf

    try:
        # Decoding must not occupy a GPU.
        with tf.device("CPU"):
            return decode(tf.constant(contents), channels, max_pixels).numpy()
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(_damaged(path, "cannot be decoded")) from error


def _damaged(path, why):
    return (
        "Expected a complete PNG, JPEG, BMP or GIF file. "
        f"Received: {str(path)!r}, which {why}. The file is damaged or "
        "truncated; copy it again."
    )
