"""Rows of CSV, TSV, JSONL and Parquet files, each with its line."""

import csv
import json
import math
from collections.abc import Iterator

from mtl_keras.messages import did_you_mean, listed
from zoo.datasets.folders.records import Damage

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
# What a cell of a missing value holds.
_MISSING = ("", "?")


def read(path) -> Iterator[tuple[int, dict]]:
    """Reads a table, row by row.

    CSV cells may be quoted and are separated by commas, or by semicolons if
    the header has no comma; TSV cells are separated by tabs and not quoted.
    A byte order mark and any line ends are accepted.

    Args:
        path: Path of a file with one of `SUFFIXES`.

    Yields:
        Pairs of the number of the row's first line and a dict of column to
        value: strings of CSV and TSV, also other types of the others.

    Raises:
        Damage: If the file cannot be read, with the line.
    """
    kind = path.suffix.lower()
    if kind == ".parquet":
        return _parquet(path)
    if kind == ".jsonl":
        return _jsonl(path)
    return _separated(path, is_quoted=kind == ".csv")


def columns(path) -> list[str]:
    """Returns the names of a table's columns; of JSONL, its first row's.

    Raises:
        Damage: If there are none, with the line.
    """
    kind = path.suffix.lower()
    if kind == ".parquet":
        return list(_open_parquet(path).schema_arrow.names)
    if kind == ".jsonl":
        for _, row in _jsonl(path):
            return list(row)
        raise Damage("Expected a JSON object a line. Received: no line", 1)
    _, header = next(lines(path), (1, ""))
    return _header(header, is_quoted=kind == ".csv")[0]


def lines(path) -> Iterator[tuple[int, str]]:
    """Reads a text file's lines without their ends.

    Raises:
        Damage: If the file is not UTF-8, with the line.
    """
    number = 0
    with open(path, "rb") as file:
        for physical in file:
            if number == 0:
                physical = physical.removeprefix(b"\xef\xbb\xbf")
            # Some programs end lines by a carriage return alone.
            for line in physical.rstrip(b"\r\n").split(b"\r"):
                number += 1
                yield number, _decoded(line, number)


def is_missing(value) -> bool:
    """Tells whether a cell is empty, `?`, null or NaN."""
    if isinstance(value, str):
        return value.strip() in _MISSING
    return value is None or (isinstance(value, float) and math.isnan(value))


def _decoded(line, number):
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Damage(
            "Expected UTF-8 text. Received: the byte "
            f"{line[error.start]:#04x}. Save the file as UTF-8.",
            number,
        ) from error


def _header(line, *, is_quoted):
    """Returns the columns' names, and how the rows are written."""
    options = {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "strict": True}
    if is_quoted:
        is_comma = "," in line or ";" not in line
        options["delimiter"] = "," if is_comma else ";"
        options["quoting"] = csv.QUOTE_MINIMAL
    try:
        names = next(csv.reader([line], **options), [])
    except csv.Error as error:
        raise Damage(f"Expected a header. Received: {error}", 1) from error
    names = [name.strip() for name in names]
    if not any(names):
        raise Damage("Expected a header of column names. Received: none", 1)
    for name in names:
        if names.count(name) > 1:
            raise Damage(
                f"Expected different column names. Received: {name!r} twice", 1
            )
    return names, options


def _separated(path, *, is_quoted):
    numbered = lines(path)
    _, header = next(numbered, (1, ""))
    names, options = _header(header, is_quoted=is_quoted)
    # The reader wants line ends, within quotes as well.
    rows = csv.reader((f"{line}\n" for _, line in numbered), **options)
    first = 2
    try:
        for cells in rows:
            start, first = first, rows.line_num + 2
            if not cells or (len(cells) == 1 < len(names) and not cells[0]):
                continue
            if len(cells) != len(names):
                raise Damage(
                    f"Expected {len(names)} cells, as in the header. "
                    f"Received: {len(cells)}",
                    start,
                )
            yield start, dict(zip(names, cells, strict=True))
    except csv.Error as error:
        raise Damage(
            f"Expected CSV with each quote closed. Received: {error}", first
        ) from error


def _jsonl(path):
    names = None
    for number, line in lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Damage(
                f"Expected a JSON object. Received: {error}", number
            ) from error
        if not isinstance(row, dict):
            raise Damage(
                f"Expected a JSON object. Received: {line[:40]!r}", number
            )
        names = names or sorted(row)
        for name in sorted(set(row) - set(names)):
            raise Damage(
                f"Expected the keys of the first line, {listed(names)}."
                f"{did_you_mean(name, names)} Received: {name!r}",
                number,
            )
        yield number, row


def _open_parquet(path):
    try:
        from pyarrow import lib, parquet
    except ImportError as error:
        raise Damage(
            "A Parquet file needs the package pyarrow. Install it, or save "
            "the table as CSV."
        ) from error
    try:
        return parquet.ParquetFile(path)
    except (lib.ArrowException, OSError, ValueError) as error:
        raise Damage(
            f"Expected a Parquet file. Received: {str(error)[:80]}"
        ) from error


def _parquet(path):
    from pyarrow import lib

    number = 0
    try:
        for batch in _open_parquet(path).iter_batches(batch_size=4096):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (lib.ArrowException, OSError, ValueError) as error:
        raise Damage(
            f"Expected a whole Parquet file. Received: {str(error)[:80]}",
            number + 1,
        ) from error
