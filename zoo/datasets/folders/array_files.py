"""NumPy's `.npy` files: images, classes, depths and normals of pixels."""

import hashlib
from pathlib import Path

import numpy as np

from zoo.datasets.folders.records import Damage

SUFFIX = ".npy"
# As in masks that are images.
_MISSING = 255


def is_array(path) -> bool:
    """Tells a NumPy file by its ending."""
    return str(path).lower().endswith(SUFFIX)


def size(path: Path) -> tuple[int, int]:
    """Reads an image's width and height from its header.

    Raises:
        Damage: If the file is not an image of three colours.
    """
    height, width, _ = _opened(path, "an image", (3,)).shape
    return width, height


def check(path: Path) -> str:
    """Reads an image whole.

    Returns:
        String, a sum of the file's bytes.

    Raises:
        Damage: If it cannot be read.
    """
    pixels(path)
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def pixels(path: Path) -> np.ndarray:
    """Reads an image as a uint8 array of shape `(height, width, 3)`.

    Raises:
        Damage: If its numbers are neither uint8 nor floats from 0 to 1.
    """
    array = _opened(path, "an image", (3,))
    if array.dtype == np.uint8:
        return np.array(array)
    _check_range(array, 0, 1, "floats from 0 to 1")
    return np.round(255 * np.clip(array, 0, 1)).astype(np.uint8)


def classes(path: Path) -> np.ndarray:
    """Reads class numbers as a uint8 array `(height, width)`; -1 is 255.

    Raises:
        Damage: If they are not whole numbers from -1 to 255.
    """
    array = _flat(_opened(path, "class numbers", ()))
    _check_range(array, -1, _MISSING, "class numbers from -1 to 254")
    if (array != np.round(array)).any():
        raise Damage("Expected whole class numbers. Received: fractions")
    return np.where(array == -1, _MISSING, array).astype(np.uint8)


def depths(path: Path) -> np.ndarray:
    """Reads depths as a float32 array `(height, width)`.

    0 and NaN are missing.

    Raises:
        Damage: If a depth is below 0 or infinite.
    """
    array = _flat(_opened(path, "depths", ()))
    _check_range(array, 0, np.finfo(np.float32).max, "depths of at least 0")
    return array.astype(np.float32)


def normals(path: Path) -> np.ndarray:
    """Reads directions as a float32 array `(height, width, 3)`.

    NaN and vectors of length 0 are missing.

    Raises:
        Damage: If a number is infinite.
    """
    array = _opened(path, "normals", (3,)).astype(np.float32)
    if np.isinf(array).any():
        raise Damage("Expected finite normals. Received: an infinite number")
    is_missing = ~(np.abs(array).sum(axis=-1, keepdims=True) > 0)
    return np.where(is_missing, np.float32(np.nan), array)


def _opened(path, what: str, channels: tuple) -> np.ndarray:
    """Maps a file into memory: its numbers are read where they are used."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise Damage(
            f"Expected a file of NumPy. Received: {str(error)[:80]}"
        ) from error
    expected = ("height", "width", *map(str, channels))
    shape = getattr(array, "shape", ())
    if not channels and len(shape) == 3 and shape[-1] == 1:
        shape = shape[:-1]
    is_shape = len(shape) == len(expected) and shape[2:] == channels
    if not is_shape or 0 in shape or array.dtype.kind not in "fiu":
        raise Damage(
            f"Expected {what}, numbers of the shape ({', '.join(expected)}). "
            f"Received: {getattr(array, 'dtype', 'none')} of the shape {shape}"
        )
    return array


def _flat(array):
    return array[..., 0] if array.ndim == 3 else array


def _check_range(array, low, high, expected):
    # NaN, a missing number, is neither below nor above.
    if (array < low).any() or (array > high).any():
        raise Damage(
            f"Expected {expected}. Received: numbers from "
            f"{np.nanmin(array):g} to {np.nanmax(array):g}"
        )
