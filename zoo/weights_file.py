"""Checks a file of weights without trusting it, in bounded memory.

An HDF5 file of some megabytes can declare gigabytes of zeros, refer to other
files of the machine, and hold any type of object where Keras expects arrays.
"""

import io
import math
import zipfile
from pathlib import Path

_INSIDE = "model.weights.h5"
# A file may also hold an optimizer's state, of which LAMB, Adam with averages
# and the like keep up to four numbers a weight.
_COPIES = 8
_MARGIN = 64 * 2**20
# How many numbers are read at once.
_CHUNK = 2**22


class RefusedError(ValueError):
    """A file that can be read is refused; its text follows "The weights"."""


def size_limit(model) -> int:
    """Returns how large a file of a model's weights may be when unpacked.

    Args:
        model: `keras.Model`, built.

    Returns:
        Integer, bytes.
    """
    # Eight bytes a number: more than any dtype of Keras's takes.
    num_weights = sum(math.prod(v.shape) for v in model.weights)
    return _MARGIN + 8 * _COPIES * num_weights


def num_variables(path: Path, limit: int) -> int | None:
    """Counts the variables in a file that belong to layers, and checks them.

    Args:
        path: Path of a `.weights.h5` or `.keras` file.
        limit: Integer, bytes that the file may hold when unpacked.

    Returns:
        Integer, or `None` where the file has no layers.

    Raises:
        RefusedError: If it holds more bytes, references to other files, or
            NaN or infinity.
        Exception: As h5py and zipfile raise for damaged files.
    """
    import h5py

    with h5py.File(_source(path, limit), "r") as file:
        datasets = list(_datasets(file))
        size = sum(item.size * item.dtype.itemsize for _, item in datasets)
        _check_size(size, limit)
        for name, item in datasets:
            _check_finite(name, item)
        if "layers" not in file:
            return None
        return sum(name.startswith("/layers/") for name, _ in datasets)


def halve(path: Path) -> None:
    """Stores a file's float32 numbers as float16; Keras loads them as before.

    Args:
        path: Path of a `.weights.h5` file, which is replaced.

    Raises:
        ValueError: If a number is too large for float16.
    """
    import h5py

    from mtl_keras import files

    with h5py.File(path, "r") as source:
        files.write_atomically(path, lambda file: _write_halved(source, file))


def _write_halved(source, file):
    import h5py

    with h5py.File(file, "w") as target:
        _copy_halved(source, target)


def _copy_halved(source, target):
    import h5py
    import numpy as np

    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy_halved(item, target.create_group(name))
            continue
        values = item[()]
        if values.dtype == np.float32:
            if np.abs(values).max(initial=0) > np.finfo(np.float16).max:
                raise ValueError(
                    f"Expected weights that float16 can hold in {item.name!r}. "
                    f"Received: {np.abs(values).max()}"
                )
            values = values.astype(np.float16)
        target.create_dataset(name, data=values).attrs.update(item.attrs)


def _source(path, limit):
    """Returns what h5py opens: the path, or the file inside an archive."""
    if path.suffix != ".keras":
        return path
    with zipfile.ZipFile(path) as archive:
        # No more than this is unpacked; zipfile stops at the declared size.
        _check_size(sum(i.file_size for i in archive.infolist()), limit)
        return io.BytesIO(archive.read(_INSIDE))


def _datasets(group):
    """Yields name and dataset, and follows no link."""
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        place = f"{group.name.rstrip('/')}/{name}"
        if not isinstance(link, h5py.HardLink):
            raise RefusedError(
                f"are refused. Received: a link to elsewhere at {place!r}. "
                "Expected arrays stored in the file itself."
            )
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _datasets(item)
        elif isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise RefusedError(
                    f"are refused. Received: {place!r}, stored in another "
                    "file. Expected arrays stored in the file itself."
                )
            yield place, item


def _check_size(size, limit):
    if size > limit:
        raise RefusedError(
            f"are refused. Expected at most {limit:,} bytes for this model. "
            f"Received: a file that unpacks to {size:,}. It is of another "
            "model, or harmful."
        )


def _check_finite(name, item):
    import numpy as np

    from mtl_keras import finite

    if item.dtype.kind not in "fcV" or item.size == 0:
        return
    # Whole rows at a time, so that a large array is not held twice.
    rows = max(1, _CHUNK * item.shape[0] // item.size) if item.shape else 1
    for start in range(0, item.shape[0] if item.shape else 1, rows):
        part = item[start : start + rows] if item.shape else item[()]
        part = np.asarray(part)
        if part.dtype.kind in "fc" and not finite.is_finite(part):
            raise RefusedError(
                f"are refused. Received: NaN or infinity in {name!r}. Use "
                "weights from before the training diverged."
            )
