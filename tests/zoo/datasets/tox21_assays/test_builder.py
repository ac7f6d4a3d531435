"""The builders read the original's file; nothing here downloads."""

import collections
import gzip
import hashlib
import os
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from tests.zoo.datasets import damages
from zoo.datasets.tox21_assays import (
    Builder,
    ScaffoldDivision,
    SecondDivision,
    ThirdDivision,
)
from zoo.datasets.tox21_assays.builder import (
    ASSAYS,
    COLUMNS,
    division,
    read,
    scaffold_divisions,
)

_SMILES = [f"C{'C' * index}O" for index in range(60)]


def _packed(*rows):
    text = "\n".join([",".join(COLUMNS), *rows]) + "\n"
    # Without the time, so that equal files have equal bytes.
    return gzip.compress(text.encode(), mtime=0)


def _row(smiles, labels="0,1,,0,0,0,0,0,0,0,0,0"):
    return f"{labels},TOX1,{smiles}"


_SOUND = _packed(*map(_row, _SMILES))


@pytest.mark.parametrize("make", [Builder, SecondDivision, ScaffoldDivision])
def test_files_of_a_folder_become_examples(tmp_path, make):
    folder = tmp_path / "files" / "tox21"
    folder.mkdir(parents=True)
    (folder / "tox21.csv.gz").write_bytes(_SOUND)
    builder = make(data_dir=str(tmp_path / "data"))
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=str(folder.parent)
        )
    )
    parts = {}
    for split in ("train", "validation", "test"):
        for example in builder.as_dataset(split=split).as_numpy_iterator():
            parts[example["smiles"].decode()] = split
            assert example["assays"].tolist() == [0, 1, -1] + [0] * 9
    if make is ScaffoldDivision:
        expected = dict(zip(_SMILES, scaffold_divisions(_SMILES), strict=True))
    else:
        expected = {smiles: division(smiles, make.SALT) for smiles in _SMILES}
    assert parts == expected


def test_divisions_are_of_a_hash_and_differ():
    for smiles in _SMILES:
        place = hashlib.sha256(smiles.encode()).digest()[0]
        assert division(smiles, "") == (
            "test" if place < 26 else "validation" if place < 51 else "train"
        )
    salts = [make.SALT for make in (Builder, SecondDivision, ThirdDivision)]
    parts = {tuple(division(s, salt) for s in _SMILES) for salt in salts}
    assert len(parts) == 3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (_row("C", "2,1,,0,0,0,0,0,0,0,0,0"), "line 2 .*one of .*'NR-AR'"),
        (_row(""), "line 2 is damaged. Expected a SMILES string"),
        ("0,1", "line 2 is damaged. Expected 14 cells"),
    ],
)
def test_damaged_rows_are_refused(tmp_path, row, message):
    path = tmp_path / "tox21.csv.gz"
    path.write_bytes(_packed(row))
    with pytest.raises(ValueError, match=message):
        list(read(path))


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    damages.assert_named(
        tmp_path,
        {"tox21.csv.gz": _SOUND},
        lambda folder: list(read(folder / "tox21.csv.gz")),
        seed,
    )


@pytest.mark.real_data
def test_real_file_is_that_of_the_checksum():
    folder = os.environ.get("MTL_KERAS_DATA")
    if not folder:
        pytest.skip("MTL_KERAS_DATA is not set")
    path = Path(folder) / "tox21" / "tox21.csv.gz"
    (url,) = [u for u in Builder.url_infos if "tox21" in u]
    assert "/deepchem/fbe3b91/" in url
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == Builder.url_infos[url].checksum
    rows = list(read(path))
    labels = collections.Counter(v for row in rows for v in row["assays"])
    assert len(rows) == 8014 and len({row["smiles"] for row in rows}) == 7831
    assert 0.17 < labels[-1] / (len(rows) * len(ASSAYS)) < 0.175
