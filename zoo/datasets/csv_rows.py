"""Rows of a data set's CSV file, checked."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from mtl_keras.messages import listed
from zoo.datasets import originals


def read(
    path: Path,
    columns: tuple[str, ...],
    *,
    header: bool = True,
    comment: str | None = None,
    separator: str = ",",
    encoding: str = "utf-8",
) -> Iterator[tuple[int, dict]]:
    """Reads the rows of a file.

    Args:
        path: Path of the file.
        columns: Tuple of strings, the columns in the file's order.
        header: Boolean, whether the first line names the columns.
        comment: String, the first character of lines that are no rows.
            Defaults to `None`, no such lines.
        separator: String, one character.
        encoding: String.

    Yields:
        Pairs of a line's number, from 1, and a dict of column to string,
        without the spaces around it.

    Raises:
        ValueError: If the file is missing or damaged.
    """
    num_rows = 0
    for number, line in originals.lines(path, encoding):
        if not line.strip() or (comment and line.startswith(comment)):
            continue
        try:
            (cells,) = csv.reader(
                [line], delimiter=separator, skipinitialspace=True, strict=True
            )
        except (csv.Error, ValueError) as error:
            raise originals.damage(
                path, "a row of a CSV file", str(error), number
            ) from error
        cells = [cell.strip() for cell in cells]
        if header and number == 1:
            if tuple(cells) != columns:
                raise originals.damage(
                    path, f"the columns {listed(columns)}", line, number
                )
            continue
        if len(cells) != len(columns):
            raise originals.damage(
                path, f"{len(columns)} cells", f"{len(cells)} cells", number
            )
        num_rows += 1
        yield number, dict(zip(columns, cells, strict=True))
    if not num_rows:
        raise originals.damage(path, "rows", "no row")


def number(path: Path, line: int, column: str, cell: str) -> float:
    """Reads a number.

    Args:
        path: Path of the file, for the error.
        line: Integer, for the error.
        column: String, for the error.
        cell: String; an empty one is a missing number.

    Returns:
        Float, NaN where it is missing.

    Raises:
        ValueError: If it is no finite number.
    """
    if not cell:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        value = math.inf
    if not math.isfinite(value) or abs(value) > 1e30:
        raise originals.damage(
            path, f"a number in the column {column!r}", repr(cell), line
        )
    return value


def integer(path: Path, line: int, column: str, cell: str) -> int:
    """Reads a whole number.

    Args:
        path: Path of the file, for the error.
        line: Integer, for the error.
        column: String, for the error.
        cell: String.

    Returns:
        Integer.

    Raises:
        ValueError: If it is no whole number that is not negative.
    """
    if not (cell.isascii() and cell.isdigit() and len(cell) < 16):
        raise originals.damage(
            path, f"a whole number in {column!r}", repr(cell), line
        )
    return int(cell)


def one_of(path: Path, line: int, column: str, cell: str, values) -> str:
    """Reads a value that must be one of a list.

    Args:
        path: Path of the file, for the error.
        line: Integer, for the error.
        column: String, for the error.
        cell: String.
        values: Sequence of strings.

    Returns:
        The string.

    Raises:
        ValueError: If it is another value.
    """
    if cell not in values:
        raise originals.damage(
            path, f"one of {listed(values)} in {column!r}", repr(cell), line
        )
    return cell
