"""Makes what an entry describes: the model with its weights, and its data.

Listing the zoo imports this module, so what is slow to import waits until it
is needed.
"""

import contextlib
import importlib
import io
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from mtl_keras.messages import did_you_mean, listed, unknown
from zoo import registry, weights


def load(
    name: str,
    data: str | None = None,
    weights: str | Path | None = None,
    *,
    tasks: Iterable[str] | None = None,
    **overrides,
):
    """Makes a model of the zoo, trained or not.

    Args:
        name: String, a name of `zoo.list_models()`.
        data: String, a data name on the model's card: it decides the classes.
            Defaults to the data of `weights`, else to the card's first.
        weights: String, the name of weights on the card, or the path of a
            `.weights.h5` or `.keras` file. Defaults to `None`: fresh ones.
        tasks: String or strings, names of the tasks to build. Defaults to
            those of `weights`, else to all.
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
    registered = registry.find(name)
    trained = None if weights is None else _find_weights(registered, weights)
    if trained is not None:
        overrides = {**trained.overrides, **overrides}
        data = data or trained.data
    spec, overrides = _chosen(registered, data, tasks, overrides)
    entry = registered.entry
    model = entry.build(spec, **overrides)
    if trained is not None:
        trained.load_into(model)
    for part in ("preprocessor", "postprocessor"):
        value = entry.call(part, spec, overrides)
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
    source = open_data(name, data, data_dir, tasks, overrides)
    return source.batches(
        split, batch_size, seed=seed, epoch=epoch, training=training
    )


def open_data(
    name: str,
    data: str | None = None,
    data_dir: str | Path | None = None,
    tasks: Iterable[str] | None = None,
    overrides: Mapping | None = None,
) -> "Data":
    """Opens the data of a model, and prepares it where that is not done.

    Args:
        name: As for `dataset`.
        data: As for `dataset`.
        data_dir: As for `dataset`.
        tasks: As for `dataset`.
        overrides: Dict, as for `dataset`; `"tasks"` in it counts where `tasks`
            is `None`.

    Returns:
        `Data`.

    Raises:
        ValueError: As for `dataset`.
    """
    registered = registry.find(name)
    spec, overrides = _chosen(registered, data, tasks, overrides or {})
    builder = prepared_builder(registered.entry, spec.data, data_dir)
    return Data(registered.entry, spec, overrides, builder)


class Data:
    """The prepared data of one model: batches of any split.

    Args:
        entry: `zoo.Entry`.
        spec: `zoo.Spec`.
        overrides: Dict.
        builder: `tfds.core.DatasetBuilder`, prepared.
    """

    def __init__(self, entry, spec, overrides, builder):
        self._builder, self._tasks = builder, entry.tasks(spec)
        # Once for all splits: tracing a preprocessor can take seconds.
        self._preprocessor, example, self._augment, self._batching = (
            entry.call(part, spec, overrides)
            for part in ("preprocessor", "example", "augmentation", "batching")
        )
        self._example = _only(spec.tasks, example)

    def batches(
        self,
        split: str,
        batch_size: int,
        *,
        seed: int = 0,
        epoch=None,
        training: bool | None = None,
    ):
        """Makes the batches of a split; the arguments are those of `dataset`.

        Args:
            split: String.
            batch_size: Integer.
            seed: Integer.
            epoch: Integer, scalar int64 tensor, or `None`.
            training: Boolean, or `None`.

        Returns:
            `tf.data.Dataset` of `(inputs, {task: label}, {task: weight})`.

        Raises:
            ValueError: If there is no such split.
        """
        from mtl_keras import data

        _check_split(self._builder, split)
        if training is None:
            training = split.split("[")[0] == "train"
        return data.pipeline(
            (self._builder, split),
            self._tasks,
            preprocessor=self._preprocessor,
            example=self._example,
            batch_size=batch_size,
            training=training,
            seed=seed,
            epoch=epoch,
            augment=self._augment,
            **self._batching,
        )


def _find_weights(registered, name):
    # Past the argument `weights` of `load`, which hides the module.
    return weights.find(registered.card, name)


def _chosen(registered, data, tasks, overrides) -> tuple:
    """Checks what is asked of a model; returns its spec and overrides."""
    card, entry = registered.card, registered.entry
    data = card.default_data if data is None else data
    if data not in card["data"]:
        what = f"data of {registered.name!r}"
        raise ValueError(unknown(what, data, card["data"]))
    # Recipes and cards hold the tasks among the overrides.
    overrides = dict(overrides)
    stored = overrides.pop("tasks", None)
    options = entry.overrides()
    for name in overrides:
        if name not in options:
            what = f"override of {registered.name!r}"
            options = (*options, "tasks")
            raise ValueError(unknown(what, name, options, overrides))
    return entry.spec(data, stored if tasks is None else tasks), overrides


def _only(names: Iterable[str], example: Callable) -> Callable:
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


def prepared_builder(entry, data: str, data_dir: str | Path | None = None):
    """Makes a data set's builder; prepares the data where that is not done.

    Args:
        entry: `zoo.Entry`.
        data: String, a key of `entry.data`.
        data_dir: Folder of prepared data sets. Defaults to that of TensorFlow
            Datasets.

    Returns:
        `tfds.core.DatasetBuilder`.
    """
    module_name, _, class_name = entry.data[data].partition(":")
    make = getattr(importlib.import_module(module_name), class_name)
    builder = make(data_dir=None if data_dir is None else str(data_dir))
    if not builder.info.splits:
        _prepare(builder)
    return builder


def _prepare(builder) -> None:
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
