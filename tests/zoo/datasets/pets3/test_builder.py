"""The builder reads the reduced or the authors' files; nothing downloads."""

import collections
import io
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tests.zoo.datasets import damages
from zoo.datasets.pets3 import Builder, builder, files, names

_HEAD = "id,split,breed,species,width,height,x1,y1,x2,y2"
_XML = """<annotation><size><width>{}</width><height>{}</height></size><object>
<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>
</object></annotation>"""


def _image(array, ending):
    content = io.BytesIO()
    Image.fromarray(array).save(content, ending)
    return content.getvalue()


def _photograph(width, height, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), "uint8")


def _trimap(width, height):
    trimap = np.full((height, width), 2, "uint8")
    trimap[height // 4 :, width // 4 :] = 3
    trimap[height // 2 :, width // 2 :] = 1
    return trimap


_FILES = {
    "labels.csv": "\n".join(
        [
            _HEAD,
            "Bengal_1,trainval,Bengal,cat,16,12,0.25,0.5,0.75,1.0",
            "Bengal_2,trainval,Bengal,cat,16,12,,,,",
            "american_bulldog_7,test,american_bulldog,dog,8,12,,,,",
        ]
    ).encode(),
    "images/Bengal_1.jpg": _image(_photograph(16, 12), "JPEG"),
    "trimaps/Bengal_1.png": _image(_trimap(16, 12), "PNG"),
    "images/Bengal_2.jpg": _image(_photograph(16, 12, seed=1), "JPEG"),
    "trimaps/Bengal_2.png": _image(_trimap(16, 12), "PNG"),
    "images/american_bulldog_7.jpg": _image(_photograph(8, 12), "JPEG"),
    "trimaps/american_bulldog_7.png": _image(_trimap(8, 12), "PNG"),
}


def _write(folder):
    for name, content in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _prepared(tmp_path, manual):
    made = Builder(data_dir=str(tmp_path / "data"))
    made.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=str(manual))
    )
    return made


def test_files_of_a_folder_become_examples(tmp_path):
    made = _prepared(tmp_path, _write(tmp_path / "files"))
    examples = list(tfds.as_numpy(made.as_dataset(split="all")))
    first, _, second = sorted(examples, key=lambda example: example["file"])
    assert names.BREEDS[first["breed"]] == "Bengal" and first["species"] == 0
    assert names.SPECIES[second["species"]] == "dog"
    np.testing.assert_allclose(first["box"], [0.25, 0.5, 0.75, 1.0])
    assert np.isnan(second["box"]).all()
    mask = first["mask"][..., 0]
    assert first["image"].shape == (12, 16, 3) and mask.shape == (12, 16)
    assert (mask[6:, 8:] == 1).all() and (mask[:3] == 0).all()
    assert (mask[3:6, 4:] == 255).all()


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    damages.assert_named(
        tmp_path,
        _FILES,
        lambda folder: list(builder.read(folder, files.rows(folder))),
        seed,
    )


def test_splits_share_no_image_and_boxes_are_in_each():
    rows = [
        files.Row(f"{breed}_{n}", split, breed, "cat", (1, 1), (0, 0, 1, 1))
        for breed in names.BREEDS
        for split, numbers in (
            ("trainval", range(100)),
            ("test", range(100, 140)),
        )
        for n in numbers
    ]
    parts = builder.divided(reversed(rows))
    assert builder.divided(rows) == parts
    taken = [row.file for part in parts.values() for row in part]
    assert len(taken) == len(set(taken)) == len(rows)
    for split, expected in (("train", 75), ("validation", 10), ("test", 55)):
        counts = collections.Counter(row.breed for row in parts[split])
        assert counts == dict.fromkeys(names.BREEDS, expected)
    # The authors' test images are in no other split.
    for split in ("train", "validation"):
        assert {row.split for row in parts[split]} == {"trainval"}


def test_authors_archives_are_reduced(tmp_path):
    images, annotations = tmp_path / "images", tmp_path / "annotations"
    for folder in (images, annotations / "xmls", annotations / "trimaps"):
        folder.mkdir(parents=True)
    for name, size in (
        ("Bengal_3", (384, 200)),
        ("american_bulldog_9", (90, 96)),
    ):
        photograph = _image(_photograph(*size), "JPEG")
        (images / f"{name}.jpg").write_bytes(photograph)
        trimap = _image(_trimap(*size), "PNG")
        (annotations / "trimaps" / f"{name}.png").write_bytes(trimap)
    (annotations / "trainval.txt").write_text(
        "#Image CLASS-ID SPECIES BREED ID\nBengal_3 6 1 2\npug_1 26 2 18\n"
    )
    (annotations / "test.txt").write_text("american_bulldog_9 2 2 1\n")
    (annotations / "xmls" / "Bengal_3.xml").write_text(
        _XML.format(384, 200, 96, 50, 192, 150)
    )
    folder = files.reduced(images, annotations, tmp_path / "reduced")
    cat, dog = files.rows(folder)
    assert (cat.file, cat.split, cat.breed) == (
        "Bengal_3",
        "trainval",
        "Bengal",
    )
    assert (cat.size, dog.size) == ((192, 100), (90, 96))
    np.testing.assert_allclose(cat.box, [0.25, 0.25, 0.5, 0.75])
    assert np.isnan(dog.box).all() and dog.species == "dog"
    _, mask = files.image_and_mask(folder, cat)
    assert (mask[51:, 97:] == 1).all() and (mask[:24] == 0).all()
    (annotations / "xmls" / "Bengal_3.xml").write_text("<annotation>")
    with pytest.raises(ValueError, match="Bengal_3.xml' is damaged"):
        files.reduced(images, annotations, tmp_path / "again")


def test_archives_have_checksums():
    sums = Builder.url_infos
    for part in files.ARCHIVES:
        assert f"{builder._URL}/{part}.tar.gz" in sums


@pytest.mark.real_data
def test_real_files_become_the_splits(tmp_path):
    folder = os.environ.get("MTL_KERAS_DATA")
    if not folder:
        pytest.skip("MTL_KERAS_DATA is not set")
    made = _prepared(tmp_path, Path(folder) / "pets3")
    sizes = {k: v.num_examples for k, v in made.info.splits.items()}
    assert sizes == {"train": 225, "validation": 30, "test": 343}
    boxes = [
        example["box"]
        for example in tfds.as_numpy(made.as_dataset(split="test"))
    ]
    assert 40 <= np.isfinite(boxes).all(-1).sum() <= 45
