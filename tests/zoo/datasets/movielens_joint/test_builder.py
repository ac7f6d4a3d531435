"""The ratings become examples; nothing here downloads."""

import math

import pytest

from tests.zoo.datasets import damages, joint_tables
from zoo.datasets.movielens_joint import Builder, files, names
from zoo.datasets.movielens_joint.builder import _split
from zoo.tables.rating_like import RatingLike

# Two users and five films; each rating is in one fold.
_PAIRS = [(user, item) for user in (1, 2) for item in range(1, 6)]


def _rating(user, item):
    return 1 + (user + 2 * item) % 5


def _fold(user, item):
    return 1 + (user + item) % 5


def _line(user, item):
    return f"{user}\t{item}\t{_rating(user, item)}\t88{user}{item}\n"


def _genres(*known):
    return "|".join(str(int(genre in known)) for genre in names.GENRES)


_FILES = {
    "u.data": "".join(_line(*pair) for pair in _PAIRS),
    "u.user": "1|24|M|writer|85711\n2|53|F|other|94043\n",
    "u.item": "".join(
        f"{item}|Film {item} (1995)|{'01-Jan-1995' if item > 1 else ''}||url|"
        f"{_genres('comedy', 'war') if item == 3 else _genres('drama')}\n"
        for item in range(1, 6)
    ),
    **{
        f"u{fold}.test": "".join(
            _line(*pair) for pair in _PAIRS if _fold(*pair) == fold
        )
        for fold in range(1, 6)
    },
}


def _write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        (folder / name).write_text(text)
    return folder


def test_ratings_become_features(tmp_path):
    rows = list(files.read(_write(tmp_path)))
    assert [fold for fold, _ in rows] == [_fold(*pair) for pair in _PAIRS]
    _, row = rows[7]
    assert (row["user"], row["item"], row["occupation"]) == (2, 3, "other")
    assert row["released"] == "1995-01-01" and rows[0][1]["released"] == ""
    rating = _rating(2, 3)
    assert row["rating"] == rating and row["liked"] == (rating >= 4)
    for genre, value in zip(names.GENRES, row["genre_affinity"], strict=True):
        if genre in ("comedy", "war"):
            assert value == rating
        else:
            assert math.isnan(value)


def test_a_folder_becomes_three_splits_and_five_folds(tmp_path):
    manual = _write(tmp_path / "manual" / "movielens_100k")
    builder = joint_tables.prepared(Builder, tmp_path, manual.parent)
    # Every tenth rating is for validation: the first, of the third fold.
    assert joint_tables.sizes(builder) == {
        "train": 7,
        "validation": 1,
        "test": 2,
        **{f"fold{fold}": 2 for fold in range(1, 6)},
    }


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_named(tmp_path, seed):
    damages.assert_named(
        tmp_path,
        {name: text.encode() for name, text in _FILES.items()},
        lambda folder: list(files.read(folder)),
        seed,
    )


@pytest.mark.real_data
def test_real_files_and_their_splits():
    folder = joint_tables.real_folder("movielens_100k")
    rows = list(files.read(folder))
    assert len(rows) == 100_000
    splits = [_split(number, fold) for number, (fold, _) in enumerate(rows)]
    assert [splits.count(s) for s in ("train", "validation", "test")] == [
        72_000,
        8_000,
        20_000,
    ]
    train = [
        {name: row[name] for name in names.COLUMNS}
        for split, (_, row) in zip(splits, rows, strict=True)
        if split == "train"
    ]
    joint_tables.check_statistics(RatingLike(), "movielens_joint", train)
