"""Trains a model of the zoo: `python -m tools.train --model cls_det_box`."""

import shlex
from pathlib import Path

from absl import flags

from mtl_keras.messages import counted
from zoo import own_data, recipe_file, registry
from zoo.commands import SUMMARIES, app, colour, evaluate, folder_flags

# Fewer steps than this hardly move random initial weights.
_FEW_STEPS = 100


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
        "recipe",
        None,
        "Another recipe of --model in the place of its own: the name of "
        "weights on its card, or the end of a recipe's name, such as minilm.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "data",
        None,
        "Folder of your own data, or a data name on the model's card. Without "
        "it, that of the recipe.",
        flag_values=values,
    )
    folder_flags.define(values)
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder for all that the training leaves. The same command on the "
        "same folder resumes the training.",
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
    """Trains, evaluates and exports, and prints the metrics."""
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

    # They import a backend.
    from mtl_keras import training
    from zoo import preparation, saved

    # First: what follows may download and prepare data.
    workdir = training.check_workdir(values.workdir, config)
    _tell_colour(config)
    model, datasets = preparation.prepare(config, values.data_dir)
    _tell_few_steps(config, datasets["train"])
    report = training.train_and_evaluate(
        model, datasets, config, workdir, command(values, operands), callbacks
    )
    # With it the folder can be loaded without the data.
    saved.describe(model, values.workdir)
    return report, model.tasks


def _tell_few_steps(config, dataset) -> None:
    """Prints a line where a run ends before much can be learnt."""
    from mtl_keras.training.recipe import steps_per_epoch

    total = config.epochs * (steps_per_epoch(dataset) or _FEW_STEPS)
    if total < _FEW_STEPS:
        print(
            f"note: {counted(total, 'step')} in all; few examples need more "
            "epochs and smaller batches, such as --config.epochs=60 "
            "--config.batch_size=16"
        )


def _tell_colour(config) -> None:
    """Prints a line where colour images would be read in gray."""
    overrides = config.get("overrides") or {}
    is_chosen = "channels" in overrides
    if is_chosen or overrides.get("trunk", "small") not in ("small", "plain"):
        return
    names = registry.info(config.model)["data"]
    if own_data.is_folder(config.get("data"), names):
        if line := colour.note(config.model, config.data):
            print(line)


def command(values: flags.FlagValues, operands: list[str]) -> str:
    """Writes the command that does the same again, for the report."""
    parts = ["python", "-m", "tools.train"]
    for name in ("model", "recipe", "config", "data", "layout", "workdir"):
        if values[name].value is not None:
            parts.append(f"--{name}={values[name].value}")
    if values.columns:
        parts.append(f"--columns={','.join(values.columns)}")
    return shlex.join([*parts, *operands])


def read_config(values: flags.FlagValues, operands: list[str]):
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
    path = values.config
    if values.recipe is not None:
        if values.model is None or path is not None:
            raise ValueError(
                "--recipe names a recipe of --model, and takes the place of "
                f"--config. Received: --recipe={values.recipe} "
                f"--model={values.model} --config={path}. For example "
                "--model=tag_parse --recipe=minilm"
            )
        path = registry.recipe(values.model, values.recipe)
    return recipe_file.choose(
        values.model,
        path,
        operands,
        values.data,
        values.layout,
        folder_flags.columns(values),
    )


def _places(workdir: Path) -> str:
    """Lists the files of a run to look at first."""
    places = [
        (title, workdir / name)
        for title, name in (
            ("Learning curves", "plots/curves.png"),
            ("Test images", "plots/predictions.png"),
            ("SavedModel", "export/1"),
            ("TensorBoard events", "events"),
        )
        if (workdir / name).exists()
    ]
    return "\n".join(f"{title:<20}{path}" for title, path in places)


COMMAND = app.Command(
    name="train",
    summary=SUMMARIES["train"],
    usage=(
        "--model=NAME [--recipe=NAME] --workdir=FOLDER "
        "[--config.FIELD=VALUE ...]"
    ),
    define=define,
    run=run,
    operands="config",
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(COMMAND, argv)
