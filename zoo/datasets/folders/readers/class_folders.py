"""Files in a folder for each class, within splits or not."""

from collections.abc import Iterator

from zoo.datasets.folders import clip_files, image_files, recordings
from zoo.datasets.folders.listing import (
    CLIPS,
    RECORDINGS,
    split_named,
    split_of,
)
from zoo.datasets.folders.records import Damage, Example, Place, Problem
from zoo.datasets.folders.request import Request

LAYOUT = "class folders"
LOOKS_FOR = "a folder for each class"
_SUFFIXES = {"audio": RECORDINGS, "clip": CLIPS}
_CHECKS = {
    "image": image_files.size_in,
    "audio": recordings.check_in,
    "clip": clip_files.check_in,
}


def recognise(request: Request) -> bool:
    """Tells whether files lie in folders of classes."""
    return any(name for name in _classes(_files(request)).values())


def read(request: Request) -> Iterator[Example | Problem]:
    """Yields an example for each file."""
    task = request.only("classification", LAYOUT)
    check = _CHECKS[request.inputs]
    for path, name in _classes(_files(request)).items():
        place = Place(path)
        try:
            check(request.listing, path)
        except Damage as damage:
            yield damage.at(path)
            continue
        labels = request.without_labels()
        if task is not None:
            labels[task] = name
        yield Example(place, {request.inputs: path}, labels, split_of(path))


def class_names(request: Request) -> None:
    """Returns no list of classes: the folders are the classes."""
    del request


def _files(request):
    if request.inputs == "image":
        return request.listing.images()
    return request.listing.with_suffix(*_SUFFIXES[request.inputs])


def _classes(files) -> dict:
    """Maps each file to its class, `None` where it is in no class's folder."""
    folders = {
        path: [p for p in path.split("/")[:-1] if split_named(p) is None]
        for path in files
    }
    # A folder that holds everything ("images") is not a class.
    while True:
        first = {tuple(parts[:1]) for parts in folders.values()}
        if len(first) != 1 or first == {()}:
            break
        folders = {path: parts[1:] for path, parts in folders.items()}
    return {p: parts[0] if parts else None for p, parts in folders.items()}
