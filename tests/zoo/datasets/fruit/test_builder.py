"""The builder reads the authors' files; nothing downloads."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tests.zoo.datasets import damages
from zoo.datasets.fruit import Builder, builder, names

_FOLDER = "data/bbox"


def _image(width, height, kind="JPEG", mode="RGB"):
    rng = np.random.default_rng(width)
    pixels = rng.integers(0, 256, (height, width, 3), "uint8")
    content = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(content, kind)
    return content.getvalue()


def _labels(*shapes):
    return json.dumps(
        {
            "shapes": [
                {
                    "label": kind,
                    "points": [[x1, y1], [x2, y2]],
                    "shape_type": "rectangle",
                }
                for kind, x1, y1, x2, y2 in shapes
            ]
        }
    ).encode()


_FILES = {
    "apple_1.jpg": _image(20, 10),
    "apple_1.json": _labels(("apple", 5, 2, 15, 8)),
    # Drawn from the lower right corner; and a PNG with a palette.
    "mixed_2.jpg": _image(30, 40, "PNG", "P"),
    "mixed_2.json": _labels(
        ("orange", 30, 20, 15, 0), ("banana", 0, 10, 15, 40)
    ),
}


def _read(folder):
    return [
        builder.read(folder / f"{name}.jpg", folder / f"{name}.json")
        for name in ("apple_1", "mixed_2")
    ]


def _write(folder):
    for name, content in _FILES.items():
        (folder / name).write_bytes(content)
    return folder


def test_rectangles_become_fractions(tmp_path):
    apple, mixed = _read(_write(tmp_path))
    (first,) = apple["objects"]
    assert first["kind"] == "apple"
    np.testing.assert_allclose(first["box"], [0.25, 0.2, 0.75, 0.8])
    assert [each["kind"] for each in mixed["objects"]] == ["orange", "banana"]
    np.testing.assert_allclose(mixed["objects"][0]["box"], [0.5, 0, 1, 0.5])
    with Image.open(mixed["image"]) as image:
        assert (image.format, image.mode, image.size) == (
            *("JPEG", "RGB"),
            (30, 40),
        )


def test_large_photographs_are_reduced_and_boxes_are_not(tmp_path):
    (tmp_path / "a.jpg").write_bytes(_image(1200, 600))
    (tmp_path / "a.json").write_bytes(_labels(("apple", 300, 150, 1200, 600)))
    example = builder.read(tmp_path / "a.jpg", tmp_path / "a.json")
    with Image.open(example["image"]) as image:
        assert image.size == (512, 256)
    np.testing.assert_allclose(example["objects"][0]["box"], [0.25, 0.25, 1, 1])


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    damages.assert_named(tmp_path, _FILES, _read, seed)


@pytest.mark.parametrize(
    "shape",
    [
        ("pear", 1, 1, 2, 2),
        ("apple", 1, 1, 1, 2),
        ("apple", 1, 1, 25, 2),
        ("apple", 1, 1, float("nan"), 2),
    ],
)
def test_wrong_boxes_are_refused(tmp_path, shape):
    _write(tmp_path)
    (tmp_path / "apple_1.json").write_bytes(_labels(shape))
    with pytest.raises(ValueError, match="apple_1.json' is damaged"):
        _read(tmp_path)


def test_every_sixth_training_photograph_is_for_validation():
    paths = {
        f"{_FOLDER}/{split}/{kind}_{number}.{ending}": Path(f"{kind}{number}")
        for kind in ("apple", "mixed")
        for split, numbers in (("train", range(1, 25)), ("test", range(30, 35)))
        for number in numbers
        for ending in ("jpg", "json")
    }
    parts = builder.divided(dict(reversed(paths.items())))
    assert builder.divided(paths) == parts
    assert sorted(parts["validation"]) == sorted(
        f"{kind}_{n}" for kind in ("apple", "mixed") for n in (4, 10, 16, 22)
    )
    assert {int(n.split("_")[1]) for n in parts["test"]} == {*range(30, 35)}
    everything = [name for part in parts.values() for name in part]
    assert len(everything) == len(set(everything)) == 2 * 29


def test_each_file_has_a_checksum():
    urls = [url for url in Builder.url_infos if url.startswith(builder._URL)]
    for split, number in (("train", 240), ("test", 60)):
        files = [url for url in urls if f"/{split}/" in url]
        stems = {url.rpartition(".")[0] for url in files}
        assert (len(files), len(stems)) == (2 * number, number)


@pytest.mark.real_data
def test_real_files_become_the_splits(tmp_path):
    folder = os.environ.get("MTL_KERAS_DATA")
    if not folder:
        pytest.skip("MTL_KERAS_DATA is not set")
    made = Builder(data_dir=str(tmp_path / "data"))
    made.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=str(Path(folder) / "fruit")
        )
    )
    sizes = {k: v.num_examples for k, v in made.info.splits.items()}
    assert sizes == {"train": 201, "validation": 39, "test": 60}
    total = 0
    for example in tfds.as_numpy(made.as_dataset(split="all")):
        box = example["objects"]["box"]
        assert (box[:, :2] < box[:, 2:]).all()
        assert example["objects"]["kind"].max() < len(names.KINDS)
        total += len(box)
    assert total == 582
