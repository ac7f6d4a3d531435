"""Makes what an entry describes: the model with its weights, and its data.

Listing the zoo imports this module, so what is slow to import waits until it
is needed.
"""

import importlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from mtl_keras.messages import did_you_mean, listed, unknown
from zoo import registry, weights


def load(
    name: str,
    data: str | None = None,
    weights: str | Path | None = None,
    **overrides,
):
    """Makes a model of the zoo, trained or not.

    Args:
        name: String, a name of `zoo.list_models()`.
        data: String, a data name on the model's card: it decides the classes.
            Defaults to the data of `weights`, else to the card's first.
        weights: String, the name of weights on the card, or the path of a
            `.weights.h5` or `.keras` file. Defaults to `None`: fresh ones.
        **overrides: What differs from the entry's defaults, by the named
            arguments of its `build`, such as `trunk="plain"`. Weights of the
            card bring along the overrides that they were trained with.

    Returns:
        `mtl_keras.MultiTaskModel`, not compiled. It carries its
        `preprocessor` and `postprocessor` as attributes of these names.

    Raises:
        ValueError: If there is no such model, data, weights or override, or
            if the weights are damaged or do not fit.
    """
    entry = registry.find(name)
    trained = None if weights is None else _find_weights(entry, weights)
    if trained is not None:
        overrides = {**trained.overrides, **overrides}
        data = data or trained.data
    data = _resolve_data(entry, data)
    _check_overrides(entry, overrides)
    model = entry.module.build(data, **overrides)
    if trained is not None:
        trained.load_into(model)
    for part in ("preprocessor", "postprocessor"):
        make = getattr(entry.module, part, None)
        value = None if make is None else _call(make, data, overrides)
        # Past Keras's tracking: these have no weights and are saved with the
        # export, not with the model.
        object.__setattr__(model, part, value)
    return model


def dataset(
    name: str,
    split: str,
    data: str | None = None,
    batch_size: int = 64,
    *,
    data_dir: str | Path | None = None,
    seed: int = 0,
    epoch=None,
    training: bool | None = None,
    tasks: Iterable[str] | None = None,
    **overrides,
):
    """Makes the batches that a model of the zoo trains on.

    The data set is prepared at the first call and kept in `data_dir`.

    Args:
        name: String, a name of `zoo.list_models()`.
        split: String, a split of the data set: `"train"`, `"validation"`,
            `"test"`, or a part in the language of TensorFlow Datasets such as
            `"train[:100]"`.
        data: String, a data name on the model's card. Defaults to its first.
        batch_size: Integer, examples a batch.
        data_dir: Folder of prepared data sets. Defaults to `$TFDS_DATA_DIR`,
            else to `~/tensorflow_datasets`.
        seed: Integer, the seed of order and augmentation in training.
        epoch: Integer or scalar int64 tensor: order and augmentation depend on
            `seed` and `epoch` only. Defaults to `None`: a new order at each
            iteration.
        training: Boolean, whether examples are shuffled and augmented.
            Defaults to whether `split` is `"train"` or a part of it.
        tasks: Strings, the tasks whose labels are wanted. Defaults to all.
        **overrides: As for `zoo.load`; those that change the input (an image's
            size) matter.

    Returns:
        `tf.data.Dataset` of `(inputs, {task: label}, {task: weight})`.

    Raises:
        ValueError: If there is no such model, data, split, task or override.
    """
    entry = registry.find(name)
    data = _resolve_data(entry, data)
    if tasks is not None:
        overrides["tasks"] = _resolve_tasks(entry, tasks)
    _check_overrides(entry, overrides)
    builder = prepared_builder(entry.module, data, data_dir)
    _check_split(builder, split)
    if training is None:
        training = split.split("[")[0] == "train"
    module = entry.module
    answered = module.tasks(data, overrides.get("tasks"))
    preprocessor = getattr(module, "preprocessor", None)
    augmentation = getattr(module, "augmentation", None)
    batching = getattr(module, "batching", None)

    from mtl_keras import data as mtl_data

    return mtl_data.pipeline(
        (builder, split),
        answered,
        preprocessor=preprocessor and _call(preprocessor, data, overrides),
        example=_only(
            [task.name for task in answered],
            _call(module.example, data, overrides),
        ),
        batch_size=batch_size,
        training=training,
        seed=seed,
        epoch=epoch,
        augment=augmentation and _call(augmentation, data, overrides),
        **(_call(batching, data, overrides) if batching else {}),
    )


def _find_weights(entry, name):
    return weights.find(entry.card, name)


def _resolve_data(entry, data) -> str:
    options = entry.card["data"]
    if data is None:
        return entry.card.default_data
    if data not in options:
        raise ValueError(unknown(f"data of {entry.name!r}", data, options))
    return data


def _resolve_tasks(entry, tasks) -> tuple[str, ...]:
    names = (tasks,) if isinstance(tasks, str) else tuple(tasks)
    options = entry.card["tasks"]
    for name in names:
        if name not in options:
            raise ValueError(
                unknown(f"task of {entry.name!r}", name, options, tasks)
            )
    return names


def _check_overrides(entry, overrides) -> None:
    options = _arguments(entry.module.build)
    if options is None:
        return
    for name in overrides:
        if name not in options:
            raise ValueError(
                unknown(f"override of {entry.name!r}", name, options, overrides)
            )
    if overrides.get("tasks") is not None:
        overrides["tasks"] = _resolve_tasks(entry, overrides["tasks"])


def _arguments(function: Callable) -> list[str] | None:
    """Names a function's arguments beside `data`; `None` for any at all."""
    import inspect

    parameters = inspect.signature(function).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return None
    return [name for name in parameters if name not in ("data", "self")]


def _call(function: Callable, data: str, overrides: dict):
    """Calls a part of an entry with those overrides that it names."""
    names = _arguments(function)
    if names is not None:
        overrides = {k: v for k, v in overrides.items() if k in names}
    return function(data, **overrides)


def _only(names: list[str], example: Callable) -> Callable:
    """Leaves out the labels of the tasks that were not asked for."""

    def chosen(element):
        raw, labels = example(element)
        missing = [name for name in names if name not in labels]
        if missing:
            raise ValueError(
                f"The entry's `example` gives no label for {listed(missing)}. "
                f"Expected labels for {listed(names)}. "
                f"Received: labels for {listed(sorted(labels))}"
            )
        return raw, {name: labels[name] for name in names}

    return chosen


def prepared_builder(module, data: str, data_dir: str | Path | None = None):
    """Makes a data set's builder; prepares the data where that is not done.

    Args:
        module: An entry's module or object, with `DATA`.
        data: String, a name in `DATA`.
        data_dir: Folder of prepared data sets. Defaults to that of TensorFlow
            Datasets.

    Returns:
        `tfds.core.DatasetBuilder`.
    """
    module_name, _, class_name = module.DATA[data].partition(":")
    make = getattr(importlib.import_module(module_name), class_name)
    builder = make(data_dir=None if data_dir is None else str(data_dir))
    if not builder.info.splits:
        _prepare(builder)
    return builder


def _prepare(builder) -> None:
    import contextlib
    import io
    import logging

    import tensorflow_datasets as tfds

    logging.getLogger("zoo").info(
        "Preparing the data set %s in %s, this once.",
        builder.info.full_name,
        builder.data_dir,
    )
    # A bar is for eyes; in a log it would be hundreds of lines.
    tfds.display_progress_bar(sys.stderr.isatty())
    with contextlib.redirect_stdout(io.StringIO()):
        builder.download_and_prepare()


def _check_split(builder, split) -> None:
    options = sorted(builder.info.splits)
    names = [part.split("[")[0].strip() for part in split.split("+")]
    for name in names:
        if name not in [*options, "all"]:
            raise ValueError(
                f"Unknown split of {builder.info.name!r}. Expected one of "
                f"{listed(options)}, or a part such as "
                f"{options[0] + '[:100]'!r}.{did_you_mean(name, options)} "
                f"Received: split={split!r}"
            )
