"""Makes what an entry describes: the model with its weights, and its data.

Listing the zoo imports this module, so what is slow to import waits until it
is needed.
"""

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

from mtl_keras.messages import listed
from zoo import building, choice, own_data, prepared_data


def load(
    name: str | Path,
    data: str | Path | None = None,
    weights: str | Path | None = None,
    *,
    tasks: Iterable[str] | None = None,
    classes: Mapping[str, Iterable[str]] | None = None,
    data_dir: str | Path | None = None,
    layout: str | None = None,
    columns: Mapping | None = None,
    **overrides,
):
    """Makes a model of the zoo, trained or not.

    Args:
        name: String, a name of `zoo.list_models()`; or the folder of a model
            that `zoo.save` or `tools.train` wrote.
        data: String, a data name on the model's card, or the path of a folder
            of your own data (`docs/own_data.md`): it decides the classes, and
            a folder also the tasks, those that it has labels for. Defaults to
            the data of `weights`, else to the card's first.
        weights: String, the name of weights on the card, the path of a
            `.weights.h5` or `.keras` file, or the folder of a saved model.
            Defaults to `None`: fresh ones.
        tasks: String or strings, names of the tasks to build. Defaults to
            those of `weights`, else to all.
        classes: Dict of task name to class names, in order. A head whose
            classes differ from those of the weights is new; all else is
            loaded. Defaults to the classes of the data.
        data_dir: Folder of prepared data sets, where the splits of a folder
            are stored. Defaults to `$TFDS_DATA_DIR`, else to
            `~/tensorflow_datasets`.
        layout: String, the layout of the folder `data`, where it has several
            (`docs/own_data.md`). Defaults to the one that is recognised.
        columns: Dict of a task, of the input, of `"split"` or of `"group"` to
            the column of the folder's table that holds it, where the names
            differ. Defaults to none.
        **overrides: What differs from the entry's defaults, by the named
            arguments of its `build`, such as `trunk="plain"`. Weights of the
            card bring along the overrides that they were trained with.

    Returns:
        `mtl_keras.MultiTaskModel`, not compiled. It carries its
        `preprocessor` and `postprocessor` as attributes of these names, and a
        `loading_report` of what was loaded, `None` without weights.

    Raises:
        ValueError: If there is no such model, data, weights or override, or
            if the weights are damaged or do not fit.
    """
    chosen = choice.choose(
        name,
        data,
        weights,
        tasks=tasks,
        classes=classes,
        overrides=overrides,
        data_dir=data_dir,
        layout=layout,
        columns=columns,
    )
    # Imports a backend.
    from zoo.pretrained import adaptation

    model, spec, report = building.build(chosen)
    attributes = {
        part: chosen.entry.call(part, spec, chosen.overrides)
        for part in ("preprocessor", "postprocessor")
    }
    attributes["loading_report"] = report
    if adaptation.has_trunk(model):
        # `training` calls it where a stage changes what is trained.
        attributes["adapt"] = functools.partial(adaptation.adapt_stage, model)
    attributes["origin"] = chosen.name, spec, chosen.overrides
    for attribute, value in attributes.items():
        # Past Keras's tracking: these have no weights and are saved with the
        # export, not with the model.
        object.__setattr__(model, attribute, value)
    return model


def dataset(
    name: str | Path,
    split: str,
    data: str | Path | None = None,
    batch_size: int = 64,
    *,
    weights: str | Path | None = None,
    classes: Mapping[str, Iterable[str]] | None = None,
    data_dir: str | Path | None = None,
    seed: int = 0,
    epoch=None,
    training: bool | None = None,
    tasks: Iterable[str] | None = None,
    layout: str | None = None,
    columns: Mapping | None = None,
    **overrides,
):
    """Makes the batches that a model of the zoo trains on.

    The data set is prepared at the first call and kept in `data_dir`.

    Args:
        name: As for `zoo.load`.
        split: String, a split of the data set: `"train"`, `"validation"`,
            `"test"`, or a part in the language of TensorFlow Datasets such as
            `"train[:100]"`.
        data: String, a data name on the model's card, or the path of a folder
            of your own. Defaults to the data of the weights, else to the
            card's first.
        batch_size: Integer, examples a batch.
        weights: The weights that the model was loaded with: they bring along
            their classes and overrides, and a vocabulary.
        classes: As for `zoo.load`.
        data_dir: Folder of prepared data sets. Defaults to `$TFDS_DATA_DIR`,
            else to `~/tensorflow_datasets`.
        seed: Integer, the seed of order and augmentation in training.
        epoch: Integer or scalar int64 tensor: order and augmentation depend on
            `seed` and `epoch` only. Defaults to `None`: a new order at each
            iteration.
        training: Boolean, whether examples are shuffled and augmented.
            Defaults to whether `split` is `"train"` or a part of it.
        tasks: Strings, the tasks whose labels are wanted. Defaults to all.
        layout: As for `zoo.load`.
        columns: As for `zoo.load`.
        **overrides: As for `zoo.load`; those that change the input (an image's
            size) matter.

    Returns:
        `tf.data.Dataset` of `(inputs, {task: label}, {task: weight})`.

    Raises:
        ValueError: If there is no such model, data, split, task or override.
    """
    source = open_data(
        name,
        data,
        data_dir,
        tasks,
        overrides,
        weights=weights,
        classes=classes,
        layout=layout,
        columns=columns,
    )
    return source.batches(
        split, batch_size, seed=seed, epoch=epoch, training=training
    )


def open_data(
    name: str | Path,
    data: str | Path | None = None,
    data_dir: str | Path | None = None,
    tasks: Iterable[str] | None = None,
    overrides: Mapping | None = None,
    *,
    weights: str | Path | None = None,
    classes: Mapping[str, Iterable[str]] | None = None,
    layout: str | None = None,
    columns: Mapping | None = None,
) -> prepared_data.Data:
    """Opens the data of a model, and prepares it where that is not done.

    Args:
        name: As for `dataset`.
        data: As for `dataset`.
        data_dir: As for `dataset`.
        tasks: As for `dataset`.
        overrides: Dict, as for `dataset`; `"tasks"` in it counts where `tasks`
            is `None`.
        weights: As for `dataset`.
        classes: As for `dataset`.
        layout: As for `dataset`.
        columns: As for `dataset`.

    Returns:
        `zoo.prepared_data.Data`.

    Raises:
        ValueError: As for `dataset`.
    """
    chosen = choice.choose(
        name,
        data,
        weights,
        tasks=tasks,
        classes=classes,
        overrides=overrides,
        data_dir=data_dir,
        layout=layout,
        columns=columns,
    )
    entry, spec = chosen.entry, chosen.spec
    if not chosen.is_folder:
        _check_classes(entry, spec)
        builder = prepared_data.prepared_builder(entry, spec.data, data_dir)
        example = entry.call("example", spec, chosen.overrides)
        return prepared_data.Data(
            entry, spec, chosen.overrides, builder, example
        )
    source = own_data.read(
        entry, spec.data, spec.tasks, spec.classes, spec.reading
    )
    builder = source.builder(data_dir)
    if not builder.info.splits:
        prepared_data.prepare(builder)
    return prepared_data.Data(
        entry, spec, chosen.overrides, builder, source.example()
    )


def _check_classes(entry, spec) -> None:
    """Refuses labels that are numbers of other classes than the model's."""
    known = entry.classes.get(spec.data, {})
    for task, names in spec.classes.items():
        if tuple(known.get(task, names)) != names:
            raise ValueError(
                f"The labels {task!r} of the data {spec.data!r} are of the "
                f"data's own {len(known[task])} classes. Received: a model of "
                f"{len(names)} classes that differ: {listed(names)[:200]}"
            )
