"""Splits are given, or drawn once, stratified, and stored."""

import collections

import pytest

from zoo.datasets import folders
from zoo.datasets.folders.division import Division, key_of

_KINDS = {"intent": "classification", "loud": "presence"}


def _write(folder, rows, header="text,intent,loud"):
    folder.mkdir(exist_ok=True)
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    return folders.read(folder, _KINDS, "text")


def _rows(count, first=0):
    # One in five is of the rare class, one in four is loud.
    return [
        (f"sentence {i} it is", "rare" if i % 5 == 0 else "common", i % 4 == 0)
        for i in range(first, first + count)
    ]


def _splits(source, folder):
    division = Division(source, folder)
    return {key_of(e): division.split_of(e) for e in source.examples()}


def test_drawn_splits_are_stratified_over_all_tasks(tmp_path):
    source = _write(tmp_path / "data", _rows(200))
    division = Division(source, tmp_path / "splits")
    counts = collections.Counter()
    for example in source.examples():
        split = division.split_of(example)
        counts[split] += 1
        counts[split, example.labels["intent"]] += 1
        counts[split, example.labels["loud"]] += 1
    assert division.splits == ("train", "validation", "test")
    assert [counts[s] for s in division.splits] == [160, 20, 20]
    assert [counts[s, "rare"] for s in division.splits] == [32, 4, 4]
    assert [counts[s, 1] for s in division.splits] == [40, 5, 5]


def test_stored_splits_outlive_a_changed_folder(tmp_path):
    rows = _rows(100)
    before = _splits(_write(tmp_path / "data", rows), tmp_path / "splits")
    # Rows are added in front, one is deleted, and the order is another.
    more = [*_rows(50, first=100), *reversed(rows[1:])]
    after = _splits(_write(tmp_path / "data", more), tmp_path / "splits")
    kept = set(before) & set(after)
    assert len(kept) == 99
    assert all(before[key] == after[key] for key in kept)
    assert set(after.values()) == {"train", "validation", "test"}
    again = _splits(_write(tmp_path / "data", more), tmp_path / "splits")
    assert again == after


def test_groups_are_not_divided(tmp_path):
    rows = [(*row, f"speaker{i % 20}") for i, row in enumerate(_rows(200))]
    header = "text,intent,loud,group"
    of_group = collections.defaultdict(set)
    for count in (150, 200):
        source = _write(tmp_path / "data", rows[:count], header)
        division = Division(source, tmp_path / "splits")
        for example in source.examples():
            of_group[example.group].add(division.split_of(example))
    assert len(of_group) == 20
    assert all(len(splits) == 1 for splits in of_group.values())
    assert set().union(*of_group.values()) == {"train", "validation", "test"}


def test_equal_examples_are_in_one_split(tmp_path):
    rows = _rows(100)
    source = _write(tmp_path / "data", rows * 2)
    division = Division(source, tmp_path / "splits")
    of_text = collections.defaultdict(set)
    for example in source.examples():
        of_text[tuple(example.inputs["tokens"])].add(division.split_of(example))
    assert all(len(splits) == 1 for splits in of_text.values())


def test_a_given_test_split_is_kept_and_validation_is_drawn(tmp_path):
    rows = [
        (*row, "test" if i < 30 else "train")
        for i, row in enumerate(_rows(130))
    ]
    source = _write(tmp_path / "data", rows, "text,intent,loud,split")
    division = Division(source, tmp_path / "splits")
    counts = collections.Counter(
        (example.split, division.split_of(example))
        for example in source.examples()
    )
    assert counts == {
        ("test", "test"): 30,
        ("train", "train"): 90,
        ("train", "validation"): 10,
    }


def test_given_splits_are_not_stored(tmp_path):
    rows = [
        (*row, ("train", "val", "test")[i % 3])
        for i, row in enumerate(_rows(30))
    ]
    source = _write(tmp_path / "data", rows, "text,intent,loud,split")
    assert set(_splits(source, tmp_path / "splits").values()) == {
        "train",
        "validation",
        "test",
    }
    assert not (tmp_path / "splits").exists()


def test_too_few_examples_are_refused_by_the_folders_name(tmp_path):
    source = _write(tmp_path / "data", _rows(3))
    with pytest.raises(folders.DataError, match="data: Expected.*3 examples"):
        Division(source, tmp_path / "splits")
