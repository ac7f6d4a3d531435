"""Reads the arrays of a PyTorch file (before version 1.6) without PyTorch.

Such a file is five pickles (magic number, protocol, system, tensors, keys of
the storages) and the bytes of the storages. Nothing is unpickled that is not
an array: a pickle that names any other class is refused.
"""

import collections
import io
import pickle
import struct

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}


def read_arrays(path) -> dict[str, np.ndarray]:
    """Reads a file of named tensors (a state dict).

    Args:
        path: String or path of the file.

    Returns:
        Dict, name to NumPy array, each a copy of its own.

    Raises:
        ValueError: If the file is in another format, is truncated, or holds
            anything but arrays.
    """
    with open(path, "rb") as file:
        contents = file.read()
    try:
        return _arrays(io.BytesIO(contents))
    except (
        pickle.UnpicklingError,
        struct.error,
        EOFError,
        # What the unpickler raises for opcodes that make no sense.
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        MemoryError,
    ) as error:
        raise ValueError(
            "Expected a PyTorch file of named arrays, in the format before "
            f"PyTorch 1.6. Received: {str(path)!r}, {len(contents):,} bytes "
            f"({error}). Install the package that it is from again."
        ) from error


def _arrays(file):
    if _Unpickler(file).load() != _MAGIC:
        raise pickle.UnpicklingError("another magic number")
    for _ in range(2):  # Protocol and system.
        _Unpickler(file).load()
    unpickler = _Unpickler(file)
    tensors = unpickler.load()
    storages = {}
    for key in _Unpickler(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        dtype = np.dtype(_DTYPES[unpickler.kinds[key]])
        storage = np.frombuffer(file.read(count * dtype.itemsize), dtype)
        if len(storage) != count:
            raise EOFError("a storage is truncated")
        storages[key] = storage
    return {
        name: _array(storages[tensor.storage], tensor)
        for name, tensor in tensors.items()
    }


_Tensor = collections.namedtuple("_Tensor", "storage offset shape stride")


def _array(storage, tensor):
    """Copies a tensor out of its storage, whose strides it may share."""
    sizes = (tensor.offset, *tensor.shape, *tensor.stride)
    last = tensor.offset + sum(
        (size - 1) * stride
        for size, stride in zip(tensor.shape, tensor.stride, strict=True)
    )
    # `as_strided` itself would read beyond the storage.
    if min(sizes) < 0 or (0 not in tensor.shape and last >= len(storage)):
        raise pickle.UnpicklingError("a tensor lies outside of its storage")
    return np.lib.stride_tricks.as_strided(
        storage[tensor.offset :],
        tensor.shape,
        [storage.itemsize * stride for stride in tensor.stride],
    ).copy()


class _Unpickler(pickle.Unpickler):
    """Unpickles tensors as descriptions of arrays, and nothing else."""

    def __init__(self, file):
        super().__init__(file)
        self.kinds = {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _described
        if module == "torch" and name in _DTYPES:
            return name
        raise pickle.UnpicklingError(f"refused to load {module}.{name}")

    def persistent_load(self, pid):
        _, kind, key = pid[:3]
        self.kinds[key] = kind
        return key


def _described(storage, offset, shape, stride, *_):
    return _Tensor(storage, int(offset), tuple(shape), tuple(stride))
