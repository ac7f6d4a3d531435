"""Tables of labels: what all layouts of CSV, TSV, JSONL and Parquet share."""

from collections.abc import Iterator

from mtl_keras.messages import listed
from zoo.datasets.folders import columns, rows
from zoo.datasets.folders.columns import Columns
from zoo.datasets.folders.listing import split_of_labels
from zoo.datasets.folders.records import Damage, Example, Place, Problem
from zoo.datasets.folders.request import Request


def files(request: Request) -> list[str]:
    """Returns the tables of a folder."""
    return request.listing.with_suffix(*rows.SUFFIXES)


def recognise(request: Request) -> bool:
    """Tells whether a table has a column of the input wanted."""
    return any(_has_input(request, path) for path in files(request))


def describe(request: Request) -> str:
    """Says which columns the first table has, for an error."""
    for path in files(request):
        try:
            names = rows.columns(request.listing.path(path))
        except Damage as damage:
            return str(damage.at(path))
        return f"{path} has the columns {listed(names[:9])}"
    return ""


def read(
    request: Request,
) -> Iterator[Problem | tuple[str, int, str | None, Columns, dict]]:
    """Reads all rows of all tables.

    Yields:
        Problems, and tuples of a row: the file, the line, the split that the
        row or the file's name says, `Columns`, and the row.
    """
    for path in files(request):
        whole = request.listing.path(path)
        try:
            resolved = columns.resolve(rows.columns(whole), request)
            of_file = split_of_labels(path)
            if resolved.unused:
                yield _of_unused(resolved.unused, Place(path, 1), request)
            for line, row in rows.read(whole):
                split = of_file
                if resolved.split is not None:
                    try:
                        cell = row.get(resolved.split)
                        split = columns.split_of_cell(cell) or of_file
                    except Damage as damage:
                        yield damage.at(path, line)
                        continue
                yield path, line, split, resolved, row
        except Damage as damage:
            yield damage.at(path)


def examples(request: Request, read_row) -> Iterator[Example | Problem]:
    """Yields an example for each row of all tables.

    Args:
        request: `Request`.
        read_row: Function of a row and `Columns` that returns the example's
            inputs and labels, and raises `Damage`.
    """
    for item in read(request):
        if isinstance(item, Problem):
            yield item
            continue
        path, line, split, resolved, row = item
        try:
            inputs, labels = read_row(row, resolved)
        except Damage as damage:
            yield damage.at(path, line)
            continue
        group = group_of(row, resolved)
        yield Example(Place(path, line), inputs, labels, split, group)


def group_of(row: dict, resolved: Columns) -> str | None:
    """Returns a row's group, `None` where the cell is empty."""
    value = None if resolved.group is None else row.get(resolved.group)
    return None if rows.is_missing(value) else str(value).strip()


def _of_unused(names, place, request):
    more = ", ..." if len(names) > 5 else ""
    return Problem(
        place,
        f"The columns {listed(names[:5])}{more} are not read: no task "
        f"({listed(request.kinds)}) has this name. `columns` assigns columns.",
        is_error=False,
    )


def _has_input(request, path):
    try:
        names = rows.columns(request.listing.path(path))
    except Damage:
        # `describe` and `read` report it.
        return False
    return columns.has_input(names, request)
