"""Sentences in a table, with a column of labels for each task."""

from collections.abc import Iterator

from zoo.datasets.folders import label_cells, table_files
from zoo.datasets.folders.records import Damage, Example, Problem
from zoo.datasets.folders.request import Request

LAYOUT = "table of sentences"
LOOKS_FOR = "a table with a column 'text'"


def recognise(request: Request) -> bool:
    """Tells whether a table holds sentences."""
    return table_files.recognise(request)


def class_names(request: Request) -> None:
    """Returns no list of classes: those of the rows are the classes."""
    del request


def read(request: Request) -> Iterator[Example | Problem]:
    """Returns an iterator of an example for each row."""

    def read_row(row, resolved):
        value = row.get(resolved.inputs[0])
        tokens = [] if value is None else label_cells.words(value)
        if not tokens:
            raise Damage("Expected a sentence. Received: an empty one")
        labels = request.without_labels()
        for task, names in resolved.labels.items():
            labels[task] = label_cells.read(
                request.kinds[task], [row.get(name) for name in names]
            )
            if request.kinds[task] == "tagging":
                label_cells.check_tags(tokens, labels[task], task)
        return {"tokens": tokens}, labels

    return table_files.examples(request, read_row)
