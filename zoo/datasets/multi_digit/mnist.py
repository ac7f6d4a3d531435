"""Reads MNIST from `mnist.npz`, whoever packed the file."""

import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.datasets import originals

# sha256 of the arrays' bytes. With the headers of the IDX format these are
# the four original files, whose md5 are 6bbc9ace..., a25bea73..., 2646ac64...
# and 27ae3e4e...; a file that was packed anew has another sum, its arrays not.
ARRAYS = {
    "x_train": (
        (60_000, 28, 28),
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ),
    "y_train": (
        (60_000,),
        "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    ),
    "x_test": (
        (10_000, 28, 28),
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    ),
    "y_test": (
        (10_000,),
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
}
# Above the header of an .npy file.
_HEADER = 4096
# What `zipfile` and its decompressors raise for damaged archives.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    KeyError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def read(path: Path, arrays: Mapping = ARRAYS) -> dict[str, np.ndarray]:
    """Reads the four arrays and compares each with the original.

    Args:
        path: Path of `mnist.npz`.
        arrays: Dict from the name of an array to its shape and the sha256 of
            its bytes. Defaults to those of MNIST.

    Returns:
        Dict from name to uint8 array.

    Raises:
        ValueError: If the file is missing or damaged, or an array is not the
            original.
    """
    path = Path(path)
    if not path.is_file():
        raise originals.missing(path)
    try:
        with zipfile.ZipFile(path) as archive:
            read_arrays = {
                name: _array(archive, f"{name}.npy", shape)
                for name, (shape, _) in arrays.items()
            }
    except _UNREADABLE as error:
        raise originals.damage(
            path, f"a whole .npz file of {', '.join(arrays)}", str(error)
        ) from error
    for name, (shape, sha256) in arrays.items():
        array = read_arrays[name]
        received = hashlib.sha256(array.tobytes()).hexdigest()
        if (array.shape, array.dtype, received) != (shape, np.uint8, sha256):
            raise originals.damage(
                path,
                f"{name}: uint8 {shape}, sha256 {sha256[:16]}...",
                f"{array.dtype} {array.shape}, {received[:16]}...",
            )
    return read_arrays


def _array(archive, name, shape) -> np.ndarray:
    """Unpacks one array, and no more than it can have."""
    limit = int(np.prod(shape)) + _HEADER
    with archive.open(name) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"more than {limit} bytes in {name}")
    return np.load(io.BytesIO(content), allow_pickle=False)
