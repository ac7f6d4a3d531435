"""Folders of GIF files: read as clips, or named with what is wrong."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from mtl_keras.data import ClipPreprocessor
from tests.mtl_keras.data.hostile_files import animation
from zoo.datasets import folders
from zoo.datasets.folders import clip_files
from zoo.datasets.folders.records import Damage, DataError

_KINDS = {"digit": "classification", "speed": "regression"}


def gif(seed=0, frames=3, side=8):
    rng = np.random.default_rng(seed)
    images = [
        Image.fromarray(rng.integers(0, 256, (side, side), "uint8"))
        for _ in range(frames)
    ]
    file = io.BytesIO()
    images[0].save(file, "GIF", save_all=True, append_images=images[1:])
    return file.getvalue()


def _write_table(folder):
    folder.mkdir()
    lines = ["path,digit,speed"]
    for index in range(20):
        (folder / f"{index}.gif").write_bytes(gif(index))
        lines.append(f"{index}.gif,{'ab'[index % 2]},{index / 10}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_table_of_clips_gives_their_bytes_and_labels(tmp_path):
    folder = _write_table(tmp_path / "clips")
    source = folders.read(folder, _KINDS, "clip")
    assert source.class_names == {"digit": ("a", "b")}
    made = source.builder(tmp_path / "data")
    made.download_and_prepare()
    example = source.example()
    seen = {}
    for split in made.info.splits:
        for element in made.as_dataset(split=split):
            raw, labels = example(element)
            seen[raw["clip"].numpy()] = (
                int(labels["digit"]),
                float(labels["speed"]),
            )
    assert seen == {
        gif(index): (index % 2, pytest.approx(index / 10))
        for index in range(20)
    }


def test_folder_for_each_class(tmp_path):
    for index in range(4):
        folder = tmp_path / ("run", "walk")[index % 2]
        folder.mkdir(exist_ok=True)
        (folder / f"{index}.gif").write_bytes(gif(index))
    source = folders.read(tmp_path, {"cls": "classification"}, "clip")
    assert source.class_names == {"cls": ("run", "walk")}
    (tmp_path / "run" / "0.gif").write_bytes(gif()[:-50])
    source = folders.read(tmp_path, {"cls": "classification"}, "clip")
    with pytest.raises(DataError, match="run/0.gif: Expected a complete GIF"):
        source.check()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expected a GIF file"),
        (b"hello", "Expected a GIF file"),
        (gif()[:12], "ends too early"),
        (gif()[:-1], "ends too early"),
        (gif()[:-1] + b"x", "other bytes"),
        (animation(200, 4000), "at most 16,000,000 pixels"),
    ],
)
def test_damaged_clip_is_named(tmp_path, content, message):
    path = tmp_path / "a.gif"
    path.write_bytes(content)
    with pytest.raises(Damage, match=message):
        clip_files.check(path)


def test_what_passes_the_check_can_be_decoded(tmp_path):
    # Damaged pixels are found when they are decoded, damaged blocks before.
    rng = np.random.default_rng(0)
    path, valid, passed = tmp_path / "a.gif", gif(), 0
    preprocessor = ClipPreprocessor(3, 8, 8, 1)
    for _ in range(60):
        content = bytearray(valid)
        content[rng.integers(len(content))] = rng.integers(256)
        path.write_bytes(content)
        try:
            clip_files.check(path)
        except Damage:
            continue
        passed += 1
        try:
            preprocessor(bytes(content))
        except tf.errors.InvalidArgumentError as error:
            assert "at least one frame" not in error.message
    assert passed > 10
