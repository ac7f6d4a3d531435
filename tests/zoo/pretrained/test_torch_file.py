"""Files in PyTorch's old format, written here without PyTorch."""

import collections
import io
import os
import pickle
import struct

import numpy as np
import pytest

from zoo.pretrained.torch_file import read_arrays

_MAGIC = 0x1950A86A20F9469CFC6C


class _Named:
    """Pickled as a global of a module that is not installed here."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class _Storage:
    def __init__(self, kind, key, size):
        self.kind, self.key, self.size = kind, key, size


class _Tensor:
    def __init__(self, storage, offset, shape, stride):
        self.arguments = (storage, offset, shape, stride, False, {})

    def __reduce__(self):
        return _Rebuild("torch._utils", "_rebuild_tensor_v2"), self.arguments


class _Rebuild(_Named):
    def __call__(self, *arguments):
        raise NotImplementedError


class _Pickler(pickle._Pickler):
    def persistent_id(self, item):
        if isinstance(item, _Storage):
            kind = _Named("torch", item.kind)
            return ("storage", kind, item.key, "cpu", item.size, None)
        return None

    def save(self, item, save_persistent_id=True):
        if isinstance(item, _Named):
            self.write(f"c{item.module}\n{item.name}\n".encode())
            return
        super().save(item, save_persistent_id)


def write(path, tensors, storages):
    file = io.BytesIO()
    for item in (_MAGIC, 1001, {"little_endian": True}):
        pickle.dump(item, file, protocol=2)
    _Pickler(file, protocol=2).dump(collections.OrderedDict(tensors))
    pickle.dump(list(storages), file, protocol=2)
    for array in storages.values():
        file.write(struct.pack("<q", array.size) + array.tobytes())
    path.write_bytes(file.getvalue())
    return path


def example(path, shape=(2, 3), stride=(3, 1), offset=1):
    numbers = np.arange(8, dtype="<f4")
    storage = _Storage("FloatStorage", "7", 8)
    tensors = {"a.weight": _Tensor(storage, offset, shape, stride)}
    return write(path, tensors, {"7": numbers})


@pytest.mark.parametrize(
    ("shape", "stride", "expected"),
    [
        ((2, 3), (3, 1), [[1, 2, 3], [4, 5, 6]]),
        ((3, 2), (1, 3), [[1, 4], [2, 5], [3, 6]]),
        ((), (), 1),
        ((0, 3), (3, 1), np.zeros((0, 3))),
    ],
)
def test_strided_arrays_are_read(tmp_path, shape, stride, expected):
    arrays = read_arrays(example(tmp_path / "a.pth", shape, stride))
    assert list(arrays) == ["a.weight"]
    np.testing.assert_array_equal(arrays["a.weight"], expected)
    assert arrays["a.weight"].dtype == np.float32


@pytest.mark.parametrize(
    "place",
    [
        {"shape": (2, 5)},
        {"shape": (3, 3)},
        {"offset": 8},
        {"offset": -1},
        {"shape": (2, 3), "stride": (-3, 1)},
        {"shape": (2,)},
    ],
)
def test_array_outside_of_its_storage_is_refused(tmp_path, place):
    with pytest.raises(ValueError, match="Expected a PyTorch file"):
        read_arrays(example(tmp_path / "a.pth", **place))


def test_only_arrays_are_unpickled(tmp_path):
    class Harmful:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    path = write(tmp_path / "a.pth", {"a": Harmful()}, {})
    with pytest.raises(ValueError, match="refused to load"):
        read_arrays(path)
    assert not (tmp_path / "made").exists()


def test_every_truncation_is_refused(tmp_path):
    whole = example(tmp_path / "a.pth").read_bytes()
    for size in range(len(whole)):
        path = tmp_path / "cut.pth"
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="Install the package"):
            read_arrays(path)
