"""The districts become examples; nothing here downloads."""

import math

import pytest

from tests.zoo.datasets import damages, joint_tables
from zoo.datasets.california_joint import Builder
from zoo.datasets.california_joint.builder import COLUMNS, NUMBERS, read
from zoo.tables.price_region import PriceRegion

_ROWS = [
    "-122.23,37.88,41.0,880.0,129.0,322.0,126.0,8.3252,452600.0,NEAR BAY",
    "-122.22,37.86,21.0,7099.0,,2401.0,1138.0,8.3014,358500.0,INLAND",
    "-118.1,34.0,30.0,100.0,20.0,90.0,18.0,2.5,100000.0,<1H OCEAN",
]
_TEXT = "\n".join([",".join(COLUMNS), *_ROWS]) + "\n"


def test_rows_become_features(tmp_path):
    path = tmp_path / "housing.csv"
    path.write_text(_TEXT)
    rows = [row for _, row in read(path)]
    assert [row["price"] for row in rows] == [4.526, 3.585, 1.0]
    assert rows[2]["region"] == "<1H OCEAN"
    assert math.isnan(rows[1]["total_bedrooms"])


def test_one_place_is_in_one_split(tmp_path):
    path = tmp_path / "manual" / "california_housing" / "housing.csv"
    path.parent.mkdir(parents=True)
    lines = [",".join(COLUMNS)]
    for number in range(60):
        place = _ROWS[0].replace("37.88", f"37.{number // 2}")
        lines.append(place.replace("41.0", f"{number}.0"))
    path.write_text("\n".join(lines) + "\n")
    splits = [split for split, _ in read(path)]
    assert splits[::2] == splits[1::2] and len(set(splits)) == 3
    builder = joint_tables.prepared(Builder, tmp_path, path.parents[1])
    assert joint_tables.sizes(builder) == {
        split: splits.count(split) for split in ("train", "validation", "test")
    }


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    damages.assert_named(
        tmp_path,
        {"housing.csv": _TEXT.encode()},
        lambda folder: list(read(folder / "housing.csv")),
        seed,
    )


@pytest.mark.real_data
def test_real_file_and_its_splits():
    folder = joint_tables.real_folder("california_housing")
    joint_tables.check_sums(Builder, folder)
    rows = list(read(folder / "housing.csv"))
    train = [row for split, row in rows if split == "train"]
    assert (len(rows), len(train)) == (20640, 14242)
    joint_tables.check_statistics(
        PriceRegion(),
        "california_joint",
        [{name: row[name] for name in NUMBERS} for row in train],
    )
