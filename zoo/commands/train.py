"""Trains a model of the zoo: `python -m tools.train --model cls_det_box`."""

import functools
import shlex
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict

import zoo
from zoo.commands import SUMMARIES, app, configuration, evaluate


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    flags.DEFINE_string(
        "model",
        None,
        "Name of a model of the zoo, whose own recipe is used.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "config",
        None,
        "Path of a recipe of your own: a Python file with get_config(). Its "
        "fields, as those of the zoo's recipes, are changed by "
        "--config.FIELD=VALUE.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder for all that the training leaves. The same command on the "
        "same folder goes on where it stopped.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "Folder of prepared data sets. Without it $TFDS_DATA_DIR, or "
        "~/tensorflow_datasets.",
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Trains, evaluates, exports and tells the figures."""
    report, tasks = train(values, operands)
    print(evaluate.heading(report.model, report.data, report.split))
    print(evaluate.table(report.metrics, tasks))
    print(_places(Path(values.workdir)))


def train(values: flags.FlagValues, operands: list[str], callbacks=()) -> tuple:
    """Trains what the flags name.

    Args:
        values: Parsed flags.
        operands: List of overrides `--config.FIELD=VALUE`.
        callbacks: As for `training.train_and_evaluate`.

    Returns:
        Pair of the `Report` and of the model's tasks by name.

    Raises:
        ValueError: If the flags or the recipe are wrong.
    """
    config = read_config(values, operands)

    from mtl_keras import training

    # First: what follows may download and prepare data.
    training.check_workdir(values.workdir, config)
    model, datasets = prepare(config, values.data_dir)
    report = training.train_and_evaluate(
        model,
        datasets,
        config,
        values.workdir,
        command(values, operands),
        callbacks,
    )
    return report, model.tasks


def prepare(config, data_dir: str | None = None) -> tuple:
    """Makes what a recipe trains.

    Args:
        config: `ml_collections.ConfigDict`, the recipe: `model`, `seed`,
            `batch_size`, and where wanted `data`, `overrides` and `splits`, a
            dict from `"train"`, `"validation"` and `"test"` to a split of the
            data.
        data_dir: String, the folder of prepared data sets.

    Returns:
        Pair of the model and of a dict with `"train"`, a function from an
        epoch to its dataset, and the datasets `"validation"` and `"test"`.

    Raises:
        ValueError: If the recipe names what the zoo does not have.
    """
    import keras

    # The initial weights are drawn when the model is built.
    keras.utils.set_random_seed(config.seed)
    overrides = dict(config.get("overrides") or {})
    data = config.get("data")
    model = zoo.load(config.model, data, config.get("weights"), **overrides)
    return model, make_datasets(config, data_dir)


def make_datasets(config, data_dir: str | None = None) -> dict:
    """Makes the data that a recipe trains on.

    Args:
        config: As for `prepare`.
        data_dir: String, the folder of prepared data sets.

    Returns:
        Dict, as of `prepare`.

    Raises:
        ValueError: If the recipe names what the zoo does not have.
    """
    overrides, data = dict(config.get("overrides") or {}), config.get("data")
    splits = config.get("splits") or {}
    make = {
        split: functools.partial(
            zoo.dataset,
            config.model,
            splits.get(split, split),
            data,
            config.batch_size,
            data_dir=data_dir,
            seed=config.seed,
            training=split == "train",
            **overrides,
        )
        for split in ("train", "validation", "test")
    }
    return {
        # Made first: it prepares the data where that is not done.
        "validation": make["validation"](),
        "test": make["test"](),
        "train": lambda epoch: make["train"](epoch=epoch),
    }


def command(values: flags.FlagValues, operands: list[str]) -> str:
    """Writes the command that does the same again, for the report."""
    parts = ["python", "-m", "tools.train"]
    for name in ("model", "config", "workdir"):
        if values[name].value is not None:
            parts.append(f"--{name}={values[name].value}")
    return shlex.join([*parts, *operands])


def _places(workdir: Path) -> str:
    """Says where what a person wants to look at is."""
    found = [
        (title, workdir / name)
        for title, name in (
            ("Learning curves", "plots/curves.png"),
            ("Test pictures", "plots/predictions.png"),
            ("SavedModel", "export/1"),
            ("TensorBoard events", "events"),
        )
        if (workdir / name).exists()
    ]
    return "\n".join(f"{title:<20}{path}" for title, path in found)


def read_config(values: flags.FlagValues, operands: list[str]) -> ConfigDict:
    """Reads the recipe that the flags name.

    Args:
        values: Parsed flags.
        operands: List of overrides `--config.FIELD=VALUE`.

    Returns:
        `ml_collections.ConfigDict`.

    Raises:
        ValueError: If there is no such recipe, or an override does not fit.
    """
    if values.workdir is None:
        raise ValueError(
            "Expected --workdir, the folder for what the training leaves. "
            "Received: none. For example --workdir=runs/first"
        )
    if values.model is None and values.config is None:
        raise ValueError(
            "Expected --model, a model of the zoo "
            f"({', '.join(zoo.list_models())}), or --config, a recipe of your "
            "own. Received: neither"
        )
    path = values.config or zoo.recipe(values.model)
    config = configuration.read(path, operands)
    if values.model is not None and values.model != config.model:
        raise ValueError(
            f"The recipe is for {config.model!r}. Received: "
            f"--model={values.model} --config={values.config}. Leave out "
            "--model, or change the recipe's field `model`."
        )
    _drop_other_tasks(config, operands)
    return config


def _drop_other_tasks(config, operands) -> None:
    """Drops the recipe's own weights of tasks that are not asked."""
    weights = config.get("loss_weights")
    asked = (config.get("overrides") or {}).get("tasks")
    typed = any(o.startswith("--config.loss_weights") for o in operands)
    if asked is None or typed or not hasattr(weights, "items"):
        return
    known = zoo.info(config.model)["tasks"]
    with config.unlocked(), config.ignore_type():
        config.loss_weights = ConfigDict(
            {n: w for n, w in weights.items() if n in asked or n not in known}
        )


COMMAND = app.Command(
    name="train",
    summary=SUMMARIES["train"],
    usage="--model=NAME --workdir=FOLDER [--config.FIELD=VALUE ...]",
    define=define,
    run=run,
    operands="config",
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(COMMAND, argv)
