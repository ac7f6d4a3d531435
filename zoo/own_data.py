"""A user's folder in the place of a data set on a model's card."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from mtl_keras.messages import did_you_mean, listed, unknown
from zoo.entry import Spec

# The folder that was read last: a model and its data sets ask one by one, and
# 100,000 rows take half a minute.
_last: dict = {}


def is_folder(data, names: Iterable[str]) -> bool:
    """Tells a folder of own data from a name on a model's card.

    Args:
        data: String, path or `None`: the argument `data` of `zoo.load`.
        names: Strings, the data names on the card, which win over a folder
            of the same name; `"./snips"` is the folder.

    Returns:
        Bool.
    """
    if data is None or data in names:
        return False
    return Path(data).expanduser().is_dir()


def check_known(model: str, data, names: Iterable[str]) -> None:
    """Raises for data that is neither a name on the card nor a folder.

    Args:
        model: String, the model's name.
        data: String or path.
        names: Strings, the data names on the card.

    Raises:
        ValueError: If there are no such data.
    """
    if data in names or Path(data).expanduser().is_dir():
        return
    raise ValueError(
        f"Unknown data of {model!r}: {str(data)!r}. Expected one of "
        f"{listed(names)}, or the path of a folder; there is no such folder."
        f"{did_you_mean(data, names)} Received: data={str(data)!r}"
    )


def reading(
    entry, layout: str | None = None, columns: Mapping | None = None
) -> dict:
    """Checks the arguments `layout` and `columns` of `zoo.load`.

    Args:
        entry: `zoo.Entry`.
        layout: String, the layout's name, or `None`.
        columns: Mapping of a task, of the input, or of `"split"` and `"group"`
            to the column's name or number, to several names, or `None`.

    Returns:
        Dict for `Spec.reading`, without what is `None`.

    Raises:
        ValueError: If `columns` is no such mapping or names no such role.
    """
    options = {} if layout is None else {"layout": layout}
    if not columns:
        return options
    if not hasattr(columns, "items"):
        raise ValueError(
            "`columns` must be a dict of task to column, such as "
            f"{{'cls': 'breed'}}. Received: columns={columns!r}"
        )
    roles = [*entry.kinds, entry.reads, "inputs", "split", "group"]
    named = {}
    for role, column in columns.items():
        if role not in roles:
            raise ValueError(unknown("role in `columns`", role, roles, columns))
        is_one = isinstance(column, str | int)
        named[role] = column if is_one else [*column]
    return {**options, "columns": named}


def read(
    entry,
    folder: str | Path,
    tasks: Iterable[str] | None = None,
    classes: Mapping | None = None,
    options: Mapping | None = None,
):
    """Recognises a folder's layout for a model.

    Args:
        entry: `zoo.Entry`.
        folder: String or path.
        tasks: String or strings, the tasks whose labels are wanted. Defaults
            to all.
        classes: Dict of task name to class names. Defaults to the folder's.
        options: Dict, as `reading` returns it. Defaults to none.

    Returns:
        `zoo.datasets.folders.Source`.

    Raises:
        ValueError: If the entry does not say what it reads, or no layout is
            recognised.
    """
    from zoo.datasets import folders

    if entry.reads is None:
        raise ValueError(
            f"The entry {type(entry).__name__} does not say what it reads, so "
            "a folder cannot be read for it. Set its attribute `reads` to "
            "'image', 'text', 'table', 'audio' or 'clip'."
        )
    names = entry.task_names(tasks)
    kinds = {name: entry.kinds[name] for name in names}
    path = Path(folder).expanduser()
    classes = {**entry.folder_classes, **(classes or {})}
    source = folders.read(
        path,
        kinds,
        entry.reads,
        classes={n: c for n, c in classes.items() if n in names},
        separators=_separators(entry),
        check=entry.check_example,
        **(options or {}),
    )
    key = (str(path.resolve()), type(entry), tuple(kinds), source.digest())
    if key not in _last:
        _last.clear()
        _last[key] = source
    return _last[key]


def _separators(entry) -> str:
    if entry.reads != "text":
        return ""
    if entry.separators is not None:
        return entry.separators
    from mtl_keras.data.text import SEPARATORS

    return SEPARATORS


def labelled_tasks(
    entry, folder: str | Path, tasks=None, options: Mapping | None = None
) -> tuple[str, ...]:
    """Finds the tasks that a folder has labels for.

    Args:
        entry: `zoo.Entry`.
        folder: String or path.
        tasks: String or strings, tasks that are wanted whether the folder has
            labels for them or not. Defaults to those with labels.
        options: As for `read`.

    Returns:
        Tuple of strings.

    Raises:
        ValueError: If the folder cannot be read or has no labels.
    """
    if tasks is not None:
        return entry.task_names(tasks)
    source = read(entry, folder, options=options)
    source.check()
    names = source.labelled
    if not names:
        raise ValueError(
            f"The folder {str(folder)!r} has no labels for the tasks "
            f"{listed(entry.kinds)}. Layout: {source.layout}. "
            "`python -m tools.inspect` shows what was read."
        )
    return names


def spec_of(
    entry,
    folder: str | Path,
    tasks: Iterable[str] | None = None,
    classes: Mapping | None = None,
    assets: Mapping | None = None,
    data_dir: str | Path | None = None,
    options: Mapping | None = None,
) -> Spec:
    """Describes the model of a folder: its tasks, classes and assets.

    Args:
        entry: `zoo.Entry`.
        folder: String or path.
        tasks: As for `zoo.load`. Defaults to those that the folder has labels
            for.
        classes: Dict of task name to class names, which win over the
            folder's.
        assets: Dict, those of the weights. Defaults to those of the folder's
            training split.
        data_dir: Folder of prepared data sets, where drawn splits are stored.
        options: As for `read`.

    Returns:
        `zoo.Spec`, whose `data` is the folder's path.

    Raises:
        ValueError: If the folder cannot be read for these tasks.
    """
    names = labelled_tasks(entry, folder, tasks, options)
    source = read(entry, folder, names, classes, options)
    # Before classes are taken from what is wrong.
    source.check()
    class_names = {**source.class_names, **(classes or {})}
    if assets is None:
        assets = entry.learn_assets(_training(source, data_dir))
    return Spec(
        str(folder),
        names,
        {
            name: tuple(class_names[name])
            for name in names
            if name in class_names
        },
        assets,
        reading=dict(options or {}),
    )


def _training(source, data_dir):
    # A generator: splits are not drawn for an entry that reads nothing.
    yield from source.training(data_dir)
