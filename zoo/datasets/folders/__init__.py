"""A user's own folder as a data set.

```python
source = folders.read("photos", {"cls": "classification", "box": "box"})
source.layout, source.class_names, source.problems()
builder = source.builder()
```

The layouts are shown in `docs/own_data.md`. Readers use no TensorFlow; the
builder, which prepares what they read, does.
"""

from collections.abc import Callable, Mapping, Sequence

from mtl_keras.messages import listed, unknown
from zoo.datasets.folders.records import DataError, Example, Place, Problem
from zoo.datasets.folders.source import Source

__all__ = ["DataError", "Example", "Place", "Problem", "Source", "read"]


def read(
    folder,
    kinds: Mapping[str, str],
    inputs: str = "image",
    *,
    layout: str | None = None,
    columns: Mapping | None = None,
    classes: Mapping[str, Sequence[str]] | None = None,
    separators: str = "",
    check: Callable[[Example], None] | None = None,
) -> Source:
    """Recognises a folder's layout.

    Args:
        folder: String or path.
        kinds: Mapping of task name to kind: `"classification"`, `"presence"`,
            `"box"`, `"tagging"`, `"regression"`, `"survival"`, `"mask"`,
            `"depth"`, `"normals"`, `"detection"` or `"count"`.
        inputs: String: `"image"`, `"text"`, `"table"`, `"audio"` or
            `"clip"`.
        layout: String, the layout's name, where a folder has several.
            Defaults to the one that is recognised.
        columns: Mapping of a task, of the input, of `"split"` or of `"group"`
            to the column's name, where they differ; of a CoNLL file, to its
            number from 0. For a table, `"inputs"` is a sequence of columns.
        classes: Mapping of task name to class names, in order. Defaults to
            those of `classes.txt` or `classes_TASK.txt` in the folder, to
            those that the layout lists, else to those that occur.
        separators: String, characters at which words are split beside white
            space, with their tags: those of a preprocessor that does so
            (`mtl_keras.data.text.SEPARATORS`). Defaults to none.
        check: Function of an `Example` that raises `zoo.datasets.folders.
            records.Damage` if its labels are impossible together. Defaults to
            `None`: none is checked.

    Returns:
        `Source`. Its `problems()` lists what is wrong within the files, and
        its `check()` raises the first error.

    Raises:
        ValueError: If there is no such folder, an argument is unknown, or no
            layout is recognised.
    """
    from zoo.datasets.folders import class_lists, readers
    from zoo.datasets.folders.listing import Listing
    from zoo.datasets.folders.request import INPUTS, KINDS, Request

    if inputs not in INPUTS:
        raise ValueError(unknown("input", inputs, INPUTS))
    if not kinds:
        raise ValueError("`kinds` must name a task. Received: none")
    for task, kind in kinds.items():
        if kind not in KINDS:
            raise ValueError(unknown(f"kind of task {task!r}", kind, KINDS))
    for task in classes or {}:
        if task not in kinds:
            raise ValueError(
                f"`classes` must name tasks of {listed(kinds)}. "
                f"Received: {task!r}"
            )
    listing = Listing(folder)
    request = Request(
        listing, dict(kinds), inputs, dict(columns or {}), separators
    )
    reader = readers.find(request, layout)
    class_names, problems = class_lists.read(request)
    class_names.update(classes or {})
    return Source(request, reader, class_names, problems, check)
