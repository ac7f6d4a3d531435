"""The rows of the census become examples; nothing here downloads."""

import pytest

from tests.zoo.datasets import damages, joint_tables
from zoo.datasets.adult_joint import Builder
from zoo.datasets.adult_joint.builder import CATEGORIES, NUMBERS, read
from zoo.tables.income_status import IncomeStatus

_ROWS = """\
39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Own-child,\
 White, Male, 2174, 0, 40, United-States, <=50K
52, ?, 287927, HS-grad, 9, Divorced, ?, Wife,\
 White, Female, 15024, 0, 40, United-States, >50K
28, Private, 1, Masters, 14, Widowed, Sales, Unmarried,\
 Black, Male, 0, 2, 60, ?, <=50K

"""
_FILES = {
    "adult.data": _ROWS,
    "adult.test": "|1x3 Cross validator\n" + _ROWS.replace("50K\n", "50K.\n"),
}


def _write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("name", _FILES)
def test_rows_become_features(tmp_path, name):
    rows = [row for _, row in read(_write(tmp_path) / name)]
    assert [row["income"] for row in rows] == [0, 1, 0]
    assert [row["never_married"] for row in rows] == [1, 0, 0]
    assert rows[1]["age"] == 52 and rows[1]["workclass"] == ""
    labels = {"income", "never_married"}
    assert set(rows[0]) == {*NUMBERS, *CATEGORIES, *labels}


def test_a_folder_becomes_three_splits(tmp_path):
    manual = _write(tmp_path / "manual" / "adult")
    # 40 rows that differ, of which a hash takes some for validation.
    rows = "".join(_ROWS.replace("39, S", f"{n}, S") for n in range(40))
    (manual / "adult.data").write_text(rows)
    builder = joint_tables.prepared(Builder, tmp_path, manual.parent)
    sizes = joint_tables.sizes(builder)
    assert sizes["test"] == 3
    assert sizes["train"] + sizes["validation"] == 120
    assert sizes["validation"] > 0


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    damages.assert_named(
        tmp_path,
        {name: text.encode() for name, text in _FILES.items()},
        lambda folder: [list(read(folder / name)) for name in _FILES],
        seed,
    )


@pytest.mark.real_data
def test_real_files_and_their_splits(tmp_path):
    folder = joint_tables.real_folder("adult")
    joint_tables.check_sums(Builder, folder)
    rows = list(read(folder / "adult.data"))
    train = [row for is_validation, row in rows if not is_validation]
    assert (len(rows), len(train)) == (32561, 29233)
    test = [row for _, row in read(folder / "adult.test")]
    assert len(test) == 16281
    # Equal inputs are in one split.
    columns = [*NUMBERS, *CATEGORIES]
    inputs = [(is_v, tuple(row[n] for n in columns)) for is_v, row in rows]
    seen = {values for is_validation, values in inputs if not is_validation}
    assert not any(values in seen for is_v, values in inputs if is_v)
    joint_tables.check_statistics(
        IncomeStatus(),
        "adult_joint",
        [{name: row[name] for name in columns} for row in train],
    )
