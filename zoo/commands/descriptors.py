"""HOG and SIFT with linear heads: `python -m tools.descriptors`."""

from absl import flags

from zoo.commands import SUMMARIES, app, folder_flags

_SPLITS = ("train", "validation", "test")


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    flags.DEFINE_string(
        "model",
        "cls_det_box",
        "A model of the zoo that reads images.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "data",
        None,
        "Name of the data or a folder of your own data. Without it, the "
        "first on the model's card.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "descriptors",
        ["hog", "sift"],
        "Descriptors to measure.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "image_size",
        128,
        "Side of the images in pixels.",
        lower_bound=16,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "channels",
        1,
        "1 for gray images, 3 for colour.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "max_examples",
        2000,
        "Most images of a split.",
        lower_bound=6,
        flag_values=values,
    )
    folder_flags.define(values)
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared data sets.", flag_values=values
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Measures each descriptor and prints a table."""
    del operands
    import zoo
    from zoo import descriptor_models, registry

    if registry.find(values.model).entry.reads != "image":
        raise ValueError(
            "Descriptors are of images. Received: "
            f"--model={values.model}, which reads "
            f"{registry.find(values.model).entry.reads!r}"
        )
    options = {
        "data": values.data,
        "layout": values.layout,
        "columns": folder_flags.columns(values) or None,
        "data_dir": values.data_dir,
        "image_size": values.image_size,
        "channels": values.channels,
    }
    tasks = list(zoo.load(values.model, **options).tasks.values())
    for name in values.descriptors:
        descriptor_models.check(name, tasks)
    parts = {split: _read(values, split, options, tasks) for split in _SPLITS}
    train = _joined(parts["train"], parts["validation"])
    columns = [descriptor_models.key(task) for task in tasks]
    print("| descriptor | choice | " + " | ".join(columns) + " |")
    print("| --- | --- |" + " ---: |" * len(columns))
    for name in values.descriptors:
        measured = descriptor_models.measure(name, tasks, train, parts["test"])
        choice = ", ".join(f"{k} {v:g}" for k, v in measured.choice.items())
        cells = [f"{measured.test[c]:.3f}" for c in columns]
        print(f"| {name} | {choice} | " + " | ".join(cells) + " |")
        chosen = [f"{measured.validation[c]:.3f}" for c in columns]
        print(f"| {name}, where chosen | | " + " | ".join(chosen) + " |")


def _read(values, split, options, tasks):
    """Reads the images and the labels of a split."""
    import numpy as np

    import zoo

    batches = zoo.dataset(values.model, split, training=False, **options)
    images, labels, count = [], [], 0
    for batch in batches:
        images.append(batch[0]["image"].numpy())
        labels.append({task.name: batch[1][task.name] for task in tasks})
        count += len(images[-1])
        if count >= values.max_examples:
            break
    whole = {
        task.name: np.concatenate([part[task.name] for part in labels])
        for task in tasks
    }
    most = values.max_examples
    whole = {name: array[:most] for name, array in whole.items()}
    return np.concatenate(images)[:most], whole


def _joined(first, second):
    import numpy as np

    labels = {
        name: np.concatenate([first[1][name], second[1][name]])
        for name in first[1]
    }
    return np.concatenate([first[0], second[0]]), labels


_COMMAND = app.Command(
    name="descriptors",
    summary=SUMMARIES["descriptors"],
    usage="[--model=NAME] [--data=FOLDER] [flags]",
    define=define,
    run=run,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
