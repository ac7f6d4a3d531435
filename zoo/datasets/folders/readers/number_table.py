"""A table whose columns are inputs and labels."""

from collections.abc import Iterator

from zoo.datasets.folders import label_cells, table_files, values
from zoo.datasets.folders.records import Damage, Example, Problem
from zoo.datasets.folders.request import Request
from zoo.datasets.folders.rows import is_missing

LAYOUT = "table"
LOOKS_FOR = "a table of two columns or more"


def recognise(request: Request) -> bool:
    """Tells whether there is a table."""
    return table_files.recognise(request)


def class_names(request: Request) -> None:
    """Returns no list of classes: those of the rows are the classes."""
    del request


def read(request: Request) -> Iterator[Example | Problem]:
    """Returns an iterator of an example for each row."""

    def read_row(row, resolved):
        labels = request.without_labels()
        for task, names in resolved.labels.items():
            cells = [row.get(name) for name in names]
            try:
                labels[task] = label_cells.read(request.kinds[task], cells)
            except Damage as damage:
                raise Damage(f"{task!r}: {damage}") from damage
        return {n: _cell(row.get(n)) for n in resolved.inputs}, labels

    return table_files.examples(request, read_row)


def _cell(value):
    return None if is_missing(value) else values.text(value)
