"""The builder reads the original recordings; nothing here downloads."""

import hashlib
import io
import os
import wave
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.zoo.datasets import damages
from zoo.datasets.spoken_digit import Builder, builder, names


def _recording(seed):
    rng = np.random.default_rng(seed)
    samples = rng.integers(-999, 999, 300, dtype="<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


_FILES = {
    name: _recording(seed)
    for seed, name in enumerate(
        ["3_theo_0.wav", "3_theo_4.wav", "9_lucas_5.wav", "0_george_10.wav"]
    )
}
_SUMS = {
    name: hashlib.sha256(content).hexdigest()
    for name, content in _FILES.items()
}


def _prepared(tmp_path, manual):
    made = Builder(data_dir=str(tmp_path / "data"))
    made.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=str(manual))
    )
    return made


def test_recordings_of_a_folder_become_examples(tmp_path, monkeypatch):
    monkeypatch.setattr(builder, "known_sums", lambda: _SUMS)
    folder = tmp_path / "files" / "spoken_digit" / "recordings"
    folder.mkdir(parents=True)
    for name, content in _FILES.items():
        (folder / name).write_bytes(content)
    (folder / "of_no_such_list.wav").write_bytes(b"")
    made = _prepared(tmp_path, tmp_path / "files")
    sizes = {k: v.num_examples for k, v in made.info.splits.items()}
    assert sizes == {"train": 1, "validation": 1, "test": 2}
    examples = {
        example["file"].decode(): example
        for example in made.as_dataset(split="test").as_numpy_iterator()
    }
    assert set(examples) == {"3_theo_0.wav", "3_theo_4.wav"}
    example = examples["3_theo_4.wav"]
    assert example["audio"] == _FILES["3_theo_4.wav"]
    assert example["command"] == 3
    assert names.SPEAKERS[example["speaker"]] == "theo"


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    damages.assert_named(
        tmp_path,
        _FILES,
        lambda folder: list(builder.read(folder, _SUMS)),
        seed,
    )


def test_list_of_sums_is_whole():
    expected = {
        f"{command}_{speaker}_{number}.wav"
        for command in range(10)
        for speaker in names.SPEAKERS
        for number in range(50)
    }
    sums = builder.known_sums()
    assert set(sums) == expected and len(set(sums.values())) == 3000
    assert {len(digits) for digits in sums.values()} == {64}


@pytest.mark.real_data
def test_real_recordings_become_the_authors_split(tmp_path):
    folder = os.environ.get("MTL_KERAS_DATA")
    if not folder:
        pytest.skip("MTL_KERAS_DATA is not set")
    made = _prepared(tmp_path, Path(folder) / "spoken_digit")
    sizes = {k: v.num_examples for k, v in made.info.splits.items()}
    assert sizes == {"train": 2400, "validation": 300, "test": 300}
    counts = np.zeros((10, 6), int)
    for example in made.as_dataset(split="test").as_numpy_iterator():
        counts[example["command"], example["speaker"]] += 1
    assert (counts == 5).all()
