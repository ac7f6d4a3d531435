"""The builder reads the originals' files; nothing here downloads."""

import collections
import hashlib
import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.zoo.datasets import damages
from zoo.datasets.survival_cohorts import Builder, builder
from zoo.datasets.survival_cohorts.builder import COHORTS, Cohort, read


def _write(path, size, num=30, seed=0):
    """Writes a small file; the first row of training occurs twice."""
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        for part in ("train", "test"):
            x = rng.normal(size=(num, size)).astype("float32")
            x[1] = x[0]
            group = file.create_group(part)
            group["x"] = x
            group["t"] = np.full(num, 3.5, "float32")
            group["e"] = np.ones(num, "int32")
    return Cohort(
        path.name, size, hashlib.sha256(path.read_bytes()).hexdigest()
    )


def test_files_of_a_folder_become_examples(tmp_path, monkeypatch):
    manual = tmp_path / "files" / "deepsurv"
    manual.mkdir(parents=True)
    small = {
        name: _write(manual / cohort.file, cohort.size, seed=index)
        for index, (name, cohort) in enumerate(COHORTS.items())
    }
    monkeypatch.setattr(builder, "COHORTS", small)
    made = Builder(data_dir=str(tmp_path / "data"))
    made.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=str(manual.parent)
        )
    )
    sizes = {k: v.num_examples for k, v in made.info.splits.items()}
    assert sizes["test"] == 120
    assert sizes["train"] + sizes["validation"] == 120
    for example in made.as_dataset(split="all").as_numpy_iterator():
        (own,) = [n for n in COHORTS if not np.isnan(example[n]).any()]
        assert example[own].tolist() == [3.5, 1.0]
        for name in COHORTS:
            is_nan = np.isnan(example[f"{name}_input"])
            assert is_nan.shape == (COHORTS[name].size,)
            assert is_nan.all() == (name != own) == is_nan.any()


def test_equal_rows_are_in_one_split(tmp_path):
    cohort = _write(tmp_path / "a.h5", 5, num=40)
    rows = list(read(tmp_path / "a.h5", cohort))
    parts = [split for split, *_ in rows]
    assert parts[0] == parts[1]
    assert parts[40:] == ["test"] * 40
    assert 0 < parts.count("validation") < 12
    np.testing.assert_array_equal(rows[0][1], rows[1][1])


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    files = {}
    cohorts = []
    for name in ("a.h5", "b.h5"):
        cohorts.append(_write(tmp_path / name, 3, num=4))
        files[name] = (tmp_path / name).read_bytes()

    def read_all(folder):
        for cohort in cohorts:
            list(read(folder / cohort.file, cohort))

    damages.assert_named(tmp_path, files, read_all, seed)


def test_every_file_has_a_checksum_of_one_commit():
    known = {url: info for url, info in Builder.url_infos.items()}
    for name, cohort in COHORTS.items():
        (url,) = [u for u in known if u.endswith(f"/{name}/{cohort.file}")]
        assert "/DeepSurv/41eed00/" in url
        assert known[url].checksum == cohort.sha256


def _real(cohort):
    folder = os.environ.get("MTL_KERAS_DATA")
    if not folder:
        pytest.skip("MTL_KERAS_DATA is not set")
    return list(read(Path(folder) / "deepsurv" / cohort.file, cohort))


@pytest.mark.real_data
def test_real_rows_of_whas_for_the_test_occur_in_training():
    parts = collections.defaultdict(list)
    for split, features, label in _real(COHORTS["whas"]):
        parts[split].append(features.tobytes() + label.tobytes())
    seen = {*parts["train"], *parts["validation"]}
    assert sum(row in seen for row in parts["test"]) == 229
    # Not those of the validation split, which are in one split.
    assert not {*parts["train"]} & {*parts["validation"]}


@pytest.mark.real_data
@pytest.mark.parametrize("name", COHORTS)
def test_statistics_are_those_of_the_training_split(name):
    from mtl_keras.data.vectors import column
    from zoo.tables import statistics
    from zoo.tables.survival_cohorts import SurvivalCohorts

    rows = [x for split, x, _ in _real(COHORTS[name]) if split == "train"]
    expected = statistics.measure(
        {column(i): values for i, values in enumerate(np.array(rows).T)},
        num_quantiles=SurvivalCohorts.num_quantiles,
    )
    stored = statistics.read("survival_cohorts")[f"{name}_input"]
    assert stored == json.loads(json.dumps(expected))
