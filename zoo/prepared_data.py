"""The prepared data of a model: batches and examples of any split."""

import contextlib
import importlib
import io
import logging
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from mtl_keras import files
from mtl_keras.messages import counted, did_you_mean, listed


class Data:
    """The prepared data of one model: batches of any split.

    Args:
        entry: `zoo.Entry`.
        spec: `zoo.Spec`.
        overrides: Dict.
        builder: `tfds.core.DatasetBuilder`, prepared.
        example: Function of the builder's example, as of `entry.example`.

    Attributes:
        splits: Tuple of strings, the names of the splits.
        identity: String that changes with the data: name, version, and the
            examples and bytes of each split.
    """

    def __init__(self, entry, spec, overrides, builder, example):
        self._builder, self._tasks = builder, entry.tasks(spec)
        self.splits = tuple(builder.info.splits)
        self.identity = _identity(builder.info)
        # Once for all splits: tracing a preprocessor can take seconds.
        self._preprocessor, self._augment, self._batching = (
            entry.call(part, spec, overrides)
            for part in ("preprocessor", "augmentation", "batching")
        )
        self._example = _only(spec.tasks, example)

    def num_examples(self, split: str) -> int:
        """Counts the examples of a split, or of a part of one.

        Args:
            split: String.

        Returns:
            Integer.

        Raises:
            ValueError: If there is no such split.
        """
        _check_split(self._builder, split)
        return self._builder.info.splits[split].num_examples

    def examples(self, split: str):
        """Makes the raw examples of a split, in order.

        Args:
            split: String.

        Returns:
            `tf.data.Dataset` of `(raw inputs, {task: label})`, as the
            preprocessor takes them.

        Raises:
            ValueError: If there is no such split.
        """
        from mtl_keras.data import sources

        _check_split(self._builder, split)
        return sources.examples((self._builder, split)).map(self._example)

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


def _identity(info) -> str:
    # Not the configuration's name: a folder's has the times of its files,
    # which a copy on another machine need not keep.
    splits = (
        f"{name} {counted(split.num_examples, 'example')} "
        f"({split.num_bytes:,} bytes)"
        for name, split in sorted(info.splits.items())
    )
    return f"{info.name} {info.version}, {', '.join(splits)}"


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
        prepare(builder)
    else:
        _check_columns(builder)
    return builder


def _check_columns(builder) -> None:
    """Refuses data that an earlier version prepared with other columns."""
    import tensorflow_datasets as tfds

    folder = Path(builder.data_dir)
    stored = tfds.features.FeatureConnector.from_config(str(folder))
    stored, expected = (
        _columns(features.get_tensor_info())
        for features in (stored, builder.info.features)
    )
    columns = [
        name
        for name in sorted({*stored, *expected})
        if stored.get(name) != expected.get(name)
    ]
    if not columns:
        return
    raise ValueError(
        f"The data set {builder.info.full_name!r} was prepared by another "
        f"version, with other columns: {listed(columns)}. Delete the folder "
        f"{str(folder)!r}; it is then prepared anew."
    )


def _columns(infos, prefix="") -> dict[str, str]:
    """Describes each column, also of nested ones, in whatever order they are.

    The order of columns that were read from a file differs between processes.
    """
    if not isinstance(infos, dict):
        # Its text: a `TensorInfo` cannot be compared with a dict.
        return {prefix: repr(infos)}
    columns = {}
    for name, info in infos.items():
        columns |= _columns(info, f"{prefix}/{name}" if prefix else name)
    return columns


def prepare(builder) -> None:
    """Prepares a data set; of two processes one waits for the other.

    Args:
        builder: `tfds.core.DatasetBuilder`.
    """
    import tensorflow_datasets as tfds

    logging.getLogger("zoo").info(
        "Preparing the data set %s in %s, this once.",
        builder.info.full_name,
        builder.data_dir,
    )
    # A bar is for eyes; in a log it would be hundreds of lines.
    tfds.display_progress_bar(sys.stderr.isatty())
    folder = Path(builder.data_dir)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        # Two processes would write the same files; the second one waits.
        files.lock(
            folder.parent / f".{folder.name}.lock",
            f"The data set {builder.info.full_name!r}",
            waits=True,
        ),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        if folder.exists():
            # The other one has made it meanwhile.
            builder.info.read_from_directory(folder)
        else:
            builder.download_and_prepare()


def _check_split(builder, split) -> None:
    options = sorted(builder.info.splits)
    data = builder.info.name
    if builder.builder_config is not None:
        # Of a folder of one's own, it is the folder's name.
        data = f"{data}/{builder.builder_config.name}"
    names = [part.split("[")[0].strip() for part in split.split("+")]
    for name in names:
        if name not in [*options, "all"]:
            raise ValueError(
                f"Unknown split of {data!r}. Expected one of "
                f"{listed(options)}, or a part such as "
                f"{options[0] + '[:100]'!r}.{did_you_mean(name, options)} "
                f"Received: split={split!r}"
            )
    sizes = [
        f"The split {name!r} has {builder.info.splits[name].num_examples:,} "
        "examples. "
        for name in names
        if name in options
    ]
    wrong = ValueError(
        f"Expected a part of {data!r} with at least one example, such as "
        f"'{names[0]}[:10%]'. {''.join(sizes)}Received: split={split!r}"
    )
    try:
        # TFDS parses the split here, and refuses some empty ones.
        num_examples = builder.info.splits[split].num_examples
    except (AssertionError, ValueError) as error:
        raise wrong from error
    if not num_examples:
        raise wrong
