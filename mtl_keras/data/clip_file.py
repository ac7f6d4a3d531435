"""Reads a clip from a file or a folder of frames, with clear errors."""

import pathlib
import re

import numpy as np

from mtl_keras import checks
from mtl_keras.data import gif_frames, image_file
from mtl_keras.data.gif_frames import MAX_FRAMES, MAX_PIXELS
from mtl_keras.messages import did_you_mean

_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def load_clip(
    path, max_frames: int = MAX_FRAMES, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Reads an animated GIF, or the frames that lie in a folder.

    Frames of a folder are PNG, JPEG, BMP or GIF files (of a GIF the first
    frame) of one size, in the order of their names; numbers in names count as
    numbers, so that `frame10.png` follows `frame9.png`.

    Args:
        path: String or `pathlib.Path`, the file or folder.
        max_frames: Integer, how many frames are read; later ones are ignored.
        max_pixels: Integer, the largest height times width times the number
            of these frames.

    Returns:
        NumPy uint8 array of shape `(frames, height, width, 3)`.

    Raises:
        ValueError: If there is no such file or folder, it holds no frames, a
            frame is damaged or of another size, or the clip is too large.
    """
    path = pathlib.Path(path)
    checks.integer("max_frames", max_frames, low=1)
    checks.integer("max_pixels", max_pixels, low=1)
    if path.is_dir():
        return _folder(path, max_frames, max_pixels)
    if not path.is_file():
        beside = path.parent.iterdir() if path.parent.is_dir() else ()
        raise ValueError(
            "Expected an animated GIF or a folder of frames. Received: "
            f"{str(path)!r}, which does not exist."
            f"{did_you_mean(path.name, [each.name for each in beside])}"
        )
    return _gif(path, max_frames, max_pixels)


def _gif(path, max_frames, max_pixels):
    import tensorflow as tf

    try:
        # Decoding must not occupy a GPU.
        with tf.device("CPU"):
            frames = gif_frames.decode(
                tf.constant(path.read_bytes()), max_frames, max_pixels
            )
            return frames.numpy()
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(
            f"Expected a complete animated GIF of at most {max_pixels:,} "
            f"pixels in all frames. Received: {str(path)!r}: "
            f"{error.message[:120]}"
        ) from error


def _folder(path, max_frames, max_pixels):
    files = sorted(
        (file for file in path.iterdir() if file.suffix.lower() in _ENDINGS),
        key=lambda file: _natural(file.name),
    )[:max_frames]
    if not files:
        raise ValueError(
            f"Expected frames, files that end in {', '.join(_ENDINGS)}. "
            f"Received: the folder {str(path)!r}, which holds none."
        )
    first = image_file.load_image(files[0], max_pixels=max_pixels)
    if first[..., 0].size * len(files) > max_pixels:
        height, width = first.shape[:2]
        raise ValueError(
            f"Expected a clip of at most {max_pixels:,} pixels in all frames. "
            f"Received: {str(path)!r}, {len(files)} frames of {height} x "
            f"{width}. Resize them, or pass a larger `max_pixels`."
        )
    frames = np.empty((len(files), *first.shape), np.uint8)
    for index, file in enumerate(files):
        frame = image_file.load_image(file, max_pixels=max_pixels)
        if frame.shape != first.shape:
            raise ValueError(
                f"Expected frames of one size, {first.shape[0]} x "
                f"{first.shape[1]} as {files[0].name!r}. Received: "
                f"{str(file)!r}, {frame.shape[0]} x {frame.shape[1]}"
            )
        frames[index] = frame
    return frames


def _natural(name: str) -> list:
    """Splits a name so that its numbers compare as numbers."""
    parts = re.split("([0-9]+)", name.lower())
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in parts
    ]
