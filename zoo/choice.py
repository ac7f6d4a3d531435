"""What is meant by the arguments of `zoo.load`: entry, spec and weights."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from mtl_keras.messages import listed, unknown
from zoo import own_data, registry, saved, weights
from zoo.entry import Entry, Spec


@dataclasses.dataclass(frozen=True)
class Choice:
    """A model that was asked for.

    Attributes:
        name: String, the name of its entry.
        entry: `zoo.Entry`.
        card: `zoo.card.Card`.
        spec: `zoo.Spec`.
        overrides: Dict, arguments of `entry.build`, without `"tasks"`.
        trained: `zoo.weights.Weights`, or `None` for fresh ones.
        trained_spec: `zoo.Spec` of the model that `trained` is of, or `None`
            where that is not known: then it must be `spec`'s.
        is_folder: Whether `spec.data` is a folder of own data.
    """

    name: str
    entry: Entry
    card: Mapping
    spec: Spec
    overrides: dict
    trained: weights.Weights | None = None
    trained_spec: Spec | None = None
    is_folder: bool = False


def choose(
    name: str | Path,
    data: str | Path | None = None,
    named_weights: str | Path | None = None,
    *,
    tasks: Iterable[str] | None = None,
    classes: Mapping[str, Iterable[str]] | None = None,
    overrides: Mapping | None = None,
    data_dir: str | Path | None = None,
    layout: str | None = None,
    columns: Mapping | None = None,
) -> Choice:
    """Checks the arguments of `zoo.load` and completes them.

    Args:
        name: As for `zoo.load`.
        data: As for `zoo.load`.
        named_weights: As `weights` of `zoo.load`.
        tasks: As for `zoo.load`.
        classes: As for `zoo.load`.
        overrides: Dict, as for `zoo.load`; `"tasks"` in it counts where
            `tasks` is `None`.
        data_dir: As for `zoo.load`.
        layout: As for `zoo.load`.
        columns: As for `zoo.load`.

    Returns:
        `Choice`.

    Raises:
        ValueError: As for `zoo.load`.
    """
    registered, trained = _find(name, named_weights)
    card, entry = registered.card, registered.entry
    given = dict(overrides or {})
    stored = {} if trained is None else dict(trained.overrides)
    # Recipes and cards hold the tasks among the overrides.
    trained_tasks = stored.pop("tasks", None)
    in_overrides = given.pop("tasks", None)
    tasks = in_overrides if tasks is None else tasks
    _check_overrides(registered.name, entry, given)
    trained_spec = _trained_spec(entry, trained, trained_tasks)
    # Tasks may be wrong whatever the data: said before a folder is read.
    names = None if tasks is None else entry.task_names(tasks)
    classes = checked_classes(entry, names, classes)
    assets = None if trained_spec is None else trained_spec.assets
    options = own_data.reading(entry, layout, columns)
    if options and not own_data.is_folder(data, card["data"]):
        raise ValueError(
            "`layout` and `columns` say how a folder of your own is read. "
            f"Expected `data`, such a folder. Received: data={data!r}, "
            f"layout={layout!r}, columns={columns!r}"
        )
    if not options and trained_spec is not None and data is not None:
        if str(data) == trained_spec.data:
            options = trained_spec.reading
    if data is None and trained_spec is not None:
        spec = _narrowed(entry, trained_spec, names)
    elif own_data.is_folder(data, card["data"]):
        spec = own_data.spec_of(
            entry, data, names, classes, assets, data_dir, options
        )
    else:
        data = card.default_data if data is None else data
        own_data.check_known(registered.name, data, card["data"])
        spec = entry.spec(data, names or trained_tasks)
        if assets is not None:
            spec = dataclasses.replace(spec, assets=assets)
    if classes:
        _check_tasks(classes, spec.tasks)
        spec = dataclasses.replace(spec, classes={**spec.classes, **classes})
    if trained_spec is not None:
        spec = _without_decisions(spec, trained_spec)
    return Choice(
        registered.name,
        entry,
        card,
        spec,
        {**stored, **given},
        trained,
        trained_spec,
        spec.data not in card["data"],
    )


def _find(name, named_weights) -> tuple:
    """Finds an entry and its weights; `name` may be a saved folder."""
    if saved.is_saved(name):
        if named_weights is not None:
            raise ValueError(
                "A saved folder has its own weights. Received: "
                f"weights={str(named_weights)!r} with the folder {str(name)!r}"
            )
        trained = saved.read(name)
        return registry.find(trained.model), trained
    registered = registry.find(str(name))
    if named_weights is None:
        return registered, None
    if Path(named_weights).is_dir():
        trained = saved.read(named_weights)
        if trained.model != registered.name:
            raise ValueError(
                f"Expected weights of {registered.name!r}. Received: "
                f"{str(named_weights)!r}, a model of {trained.model!r}"
            )
        return registered, trained
    return registered, weights.find(registered.card, named_weights)


def _check_overrides(name, entry, overrides) -> None:
    options = entry.overrides()
    for key in overrides:
        if key not in options:
            options = (*options, "tasks")
            raise ValueError(
                unknown(f"override of {name!r}", key, options, overrides)
            )


def _trained_spec(entry, trained, tasks) -> Spec | None:
    """Describes the model that weights are of, where that is known."""
    if trained is None:
        return None
    if trained.spec is not None:
        return trained.spec
    if trained.data is None or trained.data not in entry.data:
        return None
    spec = entry.spec(trained.data, tasks)
    if not trained.decisions:
        return spec
    assets = {**spec.assets, "decisions": trained.decisions}
    return dataclasses.replace(spec, assets=assets)


def _without_decisions(spec, trained_spec) -> Spec:
    """Drops temperatures and thresholds that are of other data or classes."""
    if "decisions" not in spec.assets or (
        spec.data == trained_spec.data
        and all(
            trained_spec.classes.get(task) == names
            for task, names in spec.classes.items()
        )
    ):
        return spec
    assets = {k: v for k, v in spec.assets.items() if k != "decisions"}
    return dataclasses.replace(spec, assets=assets)


def _narrowed(entry, spec, names) -> Spec:
    """Returns a spec with the tasks that are asked for."""
    if names is None or names == spec.tasks:
        return spec
    classes = dict(entry.classes.get(spec.data, {}))
    classes = {**classes, **spec.classes}
    return dataclasses.replace(
        spec,
        tasks=names,
        classes={n: tuple(classes[n]) for n in names if n in classes},
        inner=(),
    )


def checked_classes(
    entry, tasks, classes: Mapping | None
) -> dict[str, tuple[str, ...]]:
    """Checks the argument `classes` of `zoo.load`.

    Args:
        entry: `zoo.Entry`.
        tasks: Tuple of strings, the tasks that are asked for, or `None`.
        classes: What was received.

    Returns:
        Dict of task name to tuple of class names.

    Raises:
        ValueError: If a task is unknown or has no classes, or the names are
            fewer than two, repeated or no strings.
    """
    if not classes:
        return {}
    if not isinstance(classes, Mapping):
        raise ValueError(
            "`classes` must be a dict of task name to class names. "
            f"Received: classes={classes!r}"
        )
    from mtl_keras import heads
    from mtl_keras.heads.head import ClassesHead

    checked = {}
    for task, names in classes.items():
        if task not in entry.kinds:
            raise ValueError(
                unknown("task in `classes`", task, entry.kinds, list(classes))
            )
        kind = entry.kinds[task]
        if not isinstance(heads.get(kind), ClassesHead):
            raise ValueError(
                f"The task {task!r} of kind {kind!r} has no classes. Leave it "
                f"out of `classes`. Received: classes for {listed(classes)}"
            )
        names = [names] if isinstance(names, str) else list(names)
        if not all(isinstance(each, str) for each in names):
            raise ValueError(
                f"The classes of {task!r} must be strings. Received: {names}"
            )
        repeated = [each for each in names if names.count(each) > 1]
        if repeated:
            raise ValueError(
                f"The classes of {task!r} must differ. Received: "
                f"{repeated[0]!r} {names.count(repeated[0])} times"
            )
        if len(names) < 2:
            raise ValueError(
                f"The task {task!r} needs at least two classes. "
                f"Received: {listed(names)}"
            )
        checked[task] = tuple(names)
    if tasks is not None:
        _check_tasks(checked, tasks)
    return checked


def _check_tasks(classes, tasks) -> None:
    for task in classes:
        if task not in tasks:
            raise ValueError(
                f"`classes` must be of tasks that the model has: "
                f"{listed(tasks)}. Received: classes for {task!r}"
            )
