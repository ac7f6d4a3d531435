"""Folders of NumPy files, as LibMTL keeps NYUv2, are read and trained on."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import own_data
from zoo.datasets import folders
from zoo.vision import seg_depth_normal

KINDS = {"segmentation": "mask", "depth": "depth", "normals": "normals"}
_HEIGHT, _WIDTH = 12, 16
_NUM_DAMAGES = 100


def _write(folder, split="train", count=3, seed=0):
    rng = np.random.default_rng(seed)
    arrays = {}
    for number in range(count):
        label = rng.integers(-1, 3, (_HEIGHT, _WIDTH)).astype("float64")
        depth = rng.uniform(1, 5, (_HEIGHT, _WIDTH, 1))
        depth[0] = 0
        normal = rng.normal(size=(_HEIGHT, _WIDTH, 3))
        normal[1] = 0
        arrays[number] = {
            "image": rng.uniform(size=(_HEIGHT, _WIDTH, 3)).astype("f4"),
            "label": label,
            "depth": depth,
            "normal": normal,
        }
        for name, array in arrays[number].items():
            path = folder / split / name / f"{number}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, array)
    return arrays


def test_all_labels_are_read(tmp_path):
    arrays = _write(tmp_path)
    _write(tmp_path, "val", 1, seed=1)
    (tmp_path / "train/depth/1.npy").unlink()
    source = folders.read(tmp_path, KINDS)
    assert source.layout == "array folders"
    assert source.problems() == []
    assert source.splits == ("train", "validation")
    assert source.class_names["segmentation"] == ("0", "1", "2")
    first, second, _ = source.examples("train")
    expected = np.where(arrays[0]["label"] == -1, 255, arrays[0]["label"])
    np.testing.assert_array_equal(source.mask(first, "segmentation"), expected)
    np.testing.assert_allclose(
        source.map(first, "depth"), arrays[0]["depth"][..., 0], rtol=1e-6
    )
    normals = source.map(first, "normals")
    assert np.isnan(normals[1]).all()
    np.testing.assert_allclose(normals[2:], arrays[0]["normal"][2:], rtol=1e-5)
    assert second.labels["depth"] is None
    assert np.isnan(source.map(second, "depth")).all()


@pytest.mark.slow
def test_an_entry_trains_on_it(tmp_path):
    folder, data_dir = tmp_path / "rooms", tmp_path / "prepared"
    _write(folder, "train", 4)
    _write(folder, "val", 2, seed=1)
    entry = seg_depth_normal.SegDepthNormal()
    card = {
        "tasks": {name: {"kind": kind} for name, kind in KINDS.items()},
        "data": {"scenes": {}},
    }
    zoo.register("rooms_of_arrays", entry, card)
    size = {"image_height": 16, "image_width": 16, "width": 0.25}
    options = {"data": str(folder), "data_dir": data_dir}
    batches = zoo.dataset(
        "rooms_of_arrays", "train", batch_size=4, **options, **size
    )
    inputs, labels = next(iter(batches))[:2]
    assert inputs["image"].shape == (4, 16, 16, 3)
    # Of a wide image, the rows above and below are padding.
    assert (labels["segmentation"].numpy()[:, :2] == -1).all()
    assert (labels["depth"].numpy()[:, :2] == 0).all()
    assert np.isnan(labels["normals"].numpy()[:, :2]).all()
    assert np.isfinite(labels["normals"].numpy()[:, 5:-2]).all()
    model = zoo.load("rooms_of_arrays", **options, **size)
    assert model.tasks["segmentation"].class_names == ("0", "1", "2")
    model.compile("sgd")
    history = model.fit(batches, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_images_with_masks_alone_train_the_segmentation(tmp_path):
    for name in "abc":
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "masks").mkdir(exist_ok=True)
        pixels = np.zeros((8, 8, 3), "uint8")
        mask = np.eye(8, dtype="uint8")[..., None]
        for folder, array in (("images", pixels), ("masks", mask)):
            path = tmp_path / folder / f"{name}.png"
            path.write_bytes(tf.io.encode_png(array).numpy())
    entry = seg_depth_normal.SegDepthNormal()
    spec = own_data.spec_of(entry, tmp_path)
    assert spec.tasks == ("segmentation",)
    assert spec.classes["segmentation"] == ("0", "1")


def _cut(path, rng):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(rng.integers(0, len(whole) - 1))])


def _text(path, rng):
    path.write_text("x" * int(rng.integers(1, 300)))


def _shape(path, rng):
    array = np.load(path)
    cuts = (array[:-1], array[:, 1:], array[0], array[..., None], array[:0])
    np.save(path, cuts[rng.integers(len(cuts))])


def _number(path, rng):
    array = np.load(path).astype("float64")
    array[3, 3] = rng.choice([np.inf, -np.inf])
    np.save(path, array)


def _objects(path, rng):
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


_DAMAGES = (_cut, _text, _shape, _number, _objects)


def test_a_damaged_file_is_named(tmp_path):
    for seed in range(_NUM_DAMAGES):
        rng = np.random.default_rng(seed)
        folder = tmp_path / str(seed)
        _write(folder, count=2)
        paths = sorted(folder.rglob("*.npy"))
        path = paths[rng.integers(len(paths))]
        _DAMAGES[seed % len(_DAMAGES)](path, rng)
        source = folders.read(folder, KINDS)
        with pytest.raises(folders.DataError) as error:
            source.check(decode=True)
        name = path.relative_to(folder).as_posix()
        # Of another size than its labels, the image may be the damaged one.
        other = name.rsplit("/", 1)[-1]
        assert other in str(error.value), (seed, str(error.value))
        if "size" not in str(error.value):
            assert name in str(error.value), (seed, str(error.value))
        assert "Expected" in str(error.value)


def test_a_label_without_its_image_is_named(tmp_path):
    _write(tmp_path)
    (tmp_path / "train/image/2.npy").unlink()
    problems = folders.read(tmp_path, KINDS).problems()
    assert len(problems) == 3
    assert all("Expected an image of the same name" in str(p) for p in problems)
