"""Sentences, tags and intents in three files: `seq.in`, `seq.out`, `label`."""

from collections.abc import Iterator

from zoo.datasets.folders import label_cells, rows
from zoo.datasets.folders.listing import split_of_labels
from zoo.datasets.folders.records import Damage, Example, Place, Problem
from zoo.datasets.folders.request import Request

LAYOUT = "seq.in, seq.out, label"
LOOKS_FOR = "seq.in, seq.out and label"
_SENTENCES = "seq.in"
_FILES = {"tagging": "seq.out", "classification": "label"}


def recognise(request: Request) -> bool:
    """Tells whether there is a file `seq.in`."""
    return bool(_folders(request.listing))


def class_names(request: Request) -> None:
    """Returns no list of classes: those of the lines are the classes."""
    del request


def read(request: Request) -> Iterator[Example | Problem]:
    """Yields an example for each line of `seq.in`."""
    for folder in _folders(request.listing):
        try:
            yield from _folder(request, folder)
        except Damage as damage:
            yield damage.at(folder + _SENTENCES)


def _folders(listing):
    return [
        path.removesuffix(_SENTENCES)
        for path in listing.files
        if path.rsplit("/", 1)[-1] == _SENTENCES
    ]


def _folder(request, folder):
    listing = request.listing
    sentences = list(rows.lines(listing.path(folder + _SENTENCES)))
    if not sentences:
        raise Damage("Expected a sentence a line. Received: an empty file", 1)
    of_task = {}
    for kind, name in _FILES.items():
        task = request.only(kind, LAYOUT)
        path = folder + name
        if task is None or path not in listing.files:
            continue
        try:
            of_task[task] = [line for _, line in rows.lines(listing.path(path))]
            if len(of_task[task]) != len(sentences):
                raise Damage(
                    f"Expected {len(sentences)} lines, as in {_SENTENCES}. "
                    f"Received: {len(of_task[task])}",
                    min(len(of_task[task]), len(sentences)) + 1,
                )
        except Damage as damage:
            yield damage.at(path)
            return
    for index, (line, text) in enumerate(sentences):
        tokens = text.split()
        labels = request.without_labels()
        try:
            if not tokens:
                raise Damage("Expected a sentence. Received: an empty line")
            for task, cells in of_task.items():
                kind = request.kinds[task]
                labels[task] = label_cells.read(kind, [cells[index]])
                if kind == "tagging":
                    label_cells.check_tags(tokens, labels[task], task)
        except Damage as damage:
            yield damage.at(folder + _SENTENCES, line)
            continue
        place = Place(folder + _SENTENCES, line)
        places = {
            task: Place(folder + _FILES[request.kinds[task]], line)
            for task in of_task
        }
        yield Example(
            place,
            {"tokens": tokens},
            labels,
            split_of_labels(f"{folder}x"),
            places=places,
        )
