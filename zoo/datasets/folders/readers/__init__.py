"""One layout a file, and which of them a folder has."""

from mtl_keras.messages import unknown
from zoo.datasets.folders import table_files
from zoo.datasets.folders.readers import (
    array_folders,
    class_folders,
    coco,
    conll,
    file_table,
    labelme,
    mask_folders,
    number_table,
    sentence_table,
    slot_files,
    voc,
    yolo,
)
from zoo.datasets.folders.request import Request

# The first that is recognised reads the folder: those whose files can be
# nothing else come first.
_READERS = {
    "image": (
        coco,
        voc,
        yolo,
        labelme,
        file_table,
        array_folders,
        mask_folders,
        class_folders,
    ),
    "audio": (file_table, class_folders),
    "clip": (file_table, class_folders),
    "text": (slot_files, conll, sentence_table),
    "table": (number_table,),
}


def list_layouts() -> list[tuple[str, str]]:
    """Lists the layouts, each as a pair of input and name."""
    return [
        (inputs, reader.LAYOUT)
        for inputs, readers in _READERS.items()
        for reader in readers
    ]


def find(request: Request, layout: str | None = None):
    """Recognises a folder's layout.

    Args:
        request: `Request`.
        layout: String, the `LAYOUT` of a reader, where a folder has several.

    Returns:
        The reader's module, with `LAYOUT`, `class_names` and `read`.

    Raises:
        ValueError: If there is no such layout, or none is recognised.
    """
    readers = _READERS[request.inputs]
    if layout is not None:
        named = {reader.LAYOUT: reader for reader in readers}
        if layout not in named:
            raise ValueError(unknown("layout", layout, named))
        return named[layout]
    for reader in readers:
        if reader.recognise(request):
            return reader
    looked_for = "; ".join(reader.LOOKS_FOR for reader in readers)
    columns = table_files.describe(request)
    raise ValueError(
        f"Expected a folder with one of: {looked_for}. Received: "
        f"{str(request.listing.root)!r}, {request.listing.describe()}."
        f"{' ' + columns if columns else ''}"
    )
