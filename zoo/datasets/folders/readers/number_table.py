"""A table whose columns are inputs and labels."""

from collections.abc import Iterator

from zoo.datasets.folders import label_cells, table_files, values
from zoo.datasets.folders.records import Damage, Example, Place, Problem
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
    """Yields an example for each row."""
    for item in table_files.read(request):
        if isinstance(item, Problem):
            yield item
            continue
        path, line, split, resolved, row = item
        try:
            labels = request.without_labels()
            for task, names in resolved.labels.items():
                cells = [row.get(name) for name in names]
                try:
                    labels[task] = label_cells.read(request.kinds[task], cells)
                except Damage as damage:
                    raise Damage(f"{task!r}: {damage}") from damage
            inputs = {name: _cell(row.get(name)) for name in resolved.inputs}
        except Damage as damage:
            yield damage.at(path, line)
            continue
        group = table_files.group_of(row, resolved)
        yield Example(Place(path, line), inputs, labels, split, group)


def _cell(value):
    return None if is_missing(value) else values.text(value)
