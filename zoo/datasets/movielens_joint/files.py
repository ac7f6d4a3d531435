"""Reads the files of MovieLens 100K."""

import datetime
from collections.abc import Iterator
from pathlib import Path

from zoo.datasets import csv_rows, originals
from zoo.datasets.movielens_joint import names

FILES = (
    "u.data",
    "u.user",
    "u.item",
    *(f"u{fold}.test" for fold in range(1, names.NUM_FOLDS + 1)),
)
_RATING = ("user", "item", "rating", "timestamp")
_USER = ("user", "age", "gender", "occupation", "zip")
_ITEM = ("item", "title", "released", "video", "url", *names.GENRE_COLUMNS)


def read(folder: Path) -> Iterator[tuple[int, dict]]:
    """Reads the ratings, each with its user and its film.

    Args:
        folder: Path of the folder with `FILES`.

    Yields:
        Pairs of the number of the fold in whose test part the rating is, from
        1, and the features of the builder.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    folder = Path(folder)
    users, items = _users(folder / "u.user"), _items(folder / "u.item")
    known = {pair: rating for _, pair, rating in _ratings(folder / "u.data")}
    folds = {}
    for fold in range(1, names.NUM_FOLDS + 1):
        path = folder / f"u{fold}.test"
        for line, pair, rating in _ratings(path):
            if known.get(pair) != rating:
                raise originals.damage(
                    path, "ratings of u.data", f"{pair}, {rating}", line
                )
            if pair in folds:
                raise originals.damage(
                    path, "ratings of no other fold", str(pair), line
                )
            folds[pair] = fold
    expected = len(known) // names.NUM_FOLDS
    for fold in range(1, names.NUM_FOLDS + 1):
        number = list(folds.values()).count(fold)
        if number != expected:
            raise originals.damage(
                folder / f"u{fold}.test",
                f"{expected} ratings, a fifth of those in u.data",
                f"{number} ratings",
            )
    for pair, rating in known.items():
        user, item = pair
        for number, rows, name in (
            (user, users, "u.user"),
            (item, items, "u.item"),
        ):
            if number not in rows:
                raise originals.damage(
                    folder / name, f"a row of {number}", "none"
                )
        yield (
            folds[pair],
            {**users[user], **items[item], **_labels(rating, items[item])},
        )


def _labels(rating, item) -> dict:
    affinity = [
        rating if item[column] else float("nan")
        for column in names.GENRE_COLUMNS
    ]
    return {
        "rating": rating,
        "liked": int(rating >= 4),
        "genre_affinity": affinity,
    }


def _ratings(path):
    for line, row in csv_rows.read(path, _RATING, header=False, separator="\t"):
        numbers = [
            csv_rows.integer(path, line, name, row[name]) for name in _RATING
        ]
        user, item, rating, _ = numbers
        if not 1 <= rating <= 5:
            raise originals.damage(
                path, "a rating from 1 to 5", str(rating), line
            )
        yield line, (user, item), float(rating)


def _users(path) -> dict:
    users = {}
    for line, row in csv_rows.read(path, _USER, header=False, separator="|"):
        user = csv_rows.integer(path, line, "user", row["user"])
        users[user] = {
            "user": user,
            "age": csv_rows.number(path, line, "age", row["age"]),
            "gender": csv_rows.one_of(
                path, line, "gender", row["gender"], ("F", "M")
            ),
            "occupation": row["occupation"],
        }
    return users


def _items(path) -> dict:
    items = {}
    rows = csv_rows.read(
        path, _ITEM, header=False, separator="|", encoding="latin-1"
    )
    for line, row in rows:
        item = csv_rows.integer(path, line, "item", row["item"])
        items[item] = {
            "item": item,
            "released": _date(path, line, row["released"]),
            **{
                column: float(
                    csv_rows.one_of(path, line, column, row[column], "01")
                )
                for column in names.GENRE_COLUMNS
            },
        }
    return items


def _date(path, line, cell) -> str:
    if not cell:
        return ""
    try:
        return datetime.datetime.strptime(cell, "%d-%b-%Y").date().isoformat()
    except ValueError as error:
        raise originals.damage(
            path, "a date such as 01-Jan-1995", repr(cell), line
        ) from error
