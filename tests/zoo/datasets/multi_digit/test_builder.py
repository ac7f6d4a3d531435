"""MNIST is read whole or not at all, and divided before pairs are made."""

import hashlib
import importlib.resources
import inspect
import io
import os
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.zoo.datasets import damages
from zoo.datasets.multi_digit import Builder, builder, mnist

_NUM_TRAIN, _NUM_TEST = 36, 10


def _small():
    """Four arrays as of MNIST, of which no two digits are alike."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, number in (("train", _NUM_TRAIN), ("test", _NUM_TEST)):
        images = rng.integers(1, 256, (number, 28, 28), np.uint8)
        arrays[f"x_{part}"] = images
        arrays[f"y_{part}"] = (np.arange(number) % 3).astype(np.uint8)
    return arrays


def _packed(arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _sums(arrays):
    return {
        name: (array.shape, hashlib.sha256(array.tobytes()).hexdigest())
        for name, array in arrays.items()
    }


@pytest.fixture
def known(monkeypatch):
    """The builder knows the sums of the small arrays."""
    arrays = _small()
    monkeypatch.setattr(builder.read, "__defaults__", (_sums(arrays),))
    return arrays


def _examples(path, split, arrays):
    return list(builder.read(path, split, _sums(arrays)))


def test_arrays_are_read_however_they_are_packed(tmp_path):
    arrays = _small()
    for name, save in (("a", np.savez), ("b", np.savez_compressed)):
        path = tmp_path / f"{name}.npz"
        save(path, **arrays)
        read = mnist.read(path, _sums(arrays))
        for key, array in arrays.items():
            np.testing.assert_array_equal(read[key], array)


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    arrays = _small()
    damages.assert_named(
        tmp_path,
        {"mnist.npz": _packed(arrays)},
        lambda folder: mnist.read(folder / "mnist.npz", _sums(arrays)),
        seed,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("y_test"), "Expected a whole .npz file"),
        (lambda a: a.update(y_test=a["y_test"] + 1), "Expected y_test"),
        (lambda a: a.update(y_test=a["y_test"].astype("i4")), "int32 .10,"),
        (lambda a: a.update(y_test=np.zeros(9999, "u1")), "more than 4106"),
        (lambda a: a.update(y_test=np.array(["x", 1], object)), "allow_pickle"),
    ],
    ids=["missing", "other values", "other type", "longer", "pickled"],
)
def test_other_arrays_are_refused(tmp_path, change, message):
    arrays = _small()
    sums = _sums(arrays)
    change(arrays)
    path = tmp_path / "mnist.npz"
    path.write_bytes(_packed(arrays))
    with pytest.raises(ValueError, match=message):
        mnist.read(path, sums)


def test_file_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path):
    arrays = _small()
    path = tmp_path / "mnist.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in arrays:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                for _ in range(64):
                    member.write(bytes(2**20))
    with pytest.raises(ValueError, match="more than"):
        mnist.read(path, _sums(arrays))


def test_no_source_digit_is_in_two_splits(tmp_path, known):
    path = tmp_path / "mnist.npz"
    path.write_bytes(_packed(known))
    seen = {}
    for split in ("train", "validation", "test"):
        examples = _examples(path, split, known)
        # The corners show one digit each, where the other does not reach.
        seen[split] = {
            corner: sorted(
                example["image"][place, place, 0].tobytes()
                for example in examples
            )
            for corner, place in (
                ("left", slice(0, 8)),
                ("right", slice(28, 36)),
            )
        }
    expected = {
        "train": set(range(_NUM_TRAIN)),
        "test": set(range(_NUM_TEST)),
    }
    rows = builder.source_rows(known["y_train"], _NUM_TEST)
    assert expected["train"] == {*rows["train"], *rows["validation"]}
    assert not {*rows["train"]} & {*rows["validation"]}
    for split, corners in seen.items():
        images = known["x_test" if split == "test" else "x_train"][rows[split]]
        for corner, place in (("left", slice(0, 8)), ("right", slice(20, 28))):
            sources = [image[place, place].tobytes() for image in images]
            # Each digit once on each side.
            assert corners[corner] == sorted(sources)


def test_validation_is_a_twelfth_of_each_class():
    classes = np.repeat(np.arange(10), [120, 240, *[60] * 8])
    rows = builder.source_rows(classes, 5)
    counts = np.bincount(classes[rows["validation"]], minlength=10)
    assert counts.tolist() == [10, 20, *[5] * 8]
    assert rows["test"].tolist() == [0, 1, 2, 3, 4]


def test_brighter_pixel_is_kept_where_digits_overlap():
    left = np.full((28, 28), 100, np.uint8)
    right = np.zeros((28, 28), np.uint8)
    right[0, 0], right[0, 1], right[27, 27] = 200, 50, 7
    image = builder.compose(left, right)[..., 0]
    assert image.shape == (36, 36)
    assert (image[0, 0], image[27, 27]) == (100, 100)
    assert (image[8, 8], image[8, 9], image[35, 35]) == (200, 100, 7)
    assert image[28:, :8].max() == image[:8, 28:].max() == 0


def test_prepared_examples_are_the_pairs(tmp_path, known):
    manual = tmp_path / "files"
    manual.mkdir()
    path = manual / "mnist.npz"
    path.write_bytes(_packed(known))
    made = Builder(data_dir=str(tmp_path / "data"))
    made.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=str(manual))
    )
    stored = {
        example["image"].tobytes(): (example["left"], example["right"])
        for example in made.as_dataset(split="test").as_numpy_iterator()
    }
    expected = {
        example["image"].tobytes(): (example["left"], example["right"])
        for example in _examples(path, "test", known)
    }
    assert stored == expected and len(stored) == _NUM_TEST


def test_address_has_the_sum_that_keras_states():
    table = importlib.resources.files("zoo.datasets.multi_digit")
    (line,) = (table / "checksums.tsv").read_text().splitlines()
    url, size, sha256, _ = line.split("\t")
    assert Builder.url_infos[url].checksum == sha256
    source = inspect.getsource(
        sys.modules[keras.datasets.mnist.load_data.__module__]
    )
    folder, _, name = url.rpartition("/")
    assert sha256 in source and f"{folder}/" in source and name in source
    # As its downloads say.
    assert int(size) == 11_490_434


@pytest.fixture
def real():
    folder = os.environ.get("MTL_KERAS_DATA")
    if not folder:
        pytest.skip("MTL_KERAS_DATA is not set")
    return Path(folder) / "mnist" / "mnist.npz"


@pytest.mark.real_data
def test_real_arrays_are_the_originals(real):
    arrays = mnist.read(real)
    # md5 of the original IDX files, which MNIST's page listed.
    md5 = {
        "x_train": "6bbc9ace898e44ae57da46a324031adb",
        "y_train": "a25bea736e30d166cdddb491f175f624",
        "x_test": "2646ac647ad5339dbf082846283269ea",
        "y_test": "27ae3e4e09519cfbb04c329615203637",
    }
    for name, array in arrays.items():
        header = [2048 + array.ndim, *array.shape]
        content = np.array(header, ">i4").tobytes() + array.tobytes()
        assert hashlib.md5(content).hexdigest() == md5[name], name


@pytest.mark.real_data
def test_real_splits_have_their_sizes(real):
    arrays = mnist.read(real)
    rows = builder.source_rows(arrays["y_train"], len(arrays["y_test"]))
    sizes = {split: len(own) for split, own in rows.items()}
    assert sizes == {"train": 54_999, "validation": 5_001, "test": 10_000}
