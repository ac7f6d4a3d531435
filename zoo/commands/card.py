"""Writes a model's card: `python -m tools.card --model cls_det_box`.

`--pages` writes the pages made of the cards, `--check` measures again what the
cards say of shipped weights.
"""

from pathlib import Path

from absl import flags

import zoo
from mtl_keras.messages import listed
from zoo import card_check, card_pages, card_writer, registry
from zoo.card import Card
from zoo.commands import SUMMARIES, app

_ROOT = Path(__file__).parents[2]


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    flags.DEFINE_string("model", None, "Name of the model.", flag_values=values)
    flags.DEFINE_string(
        "module",
        None,
        "The entry's module, such as zoo.vision.cls_det_box; needed for a "
        "model that has no card yet.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "workdirs",
        [],
        "Folders of finished runs of the recipe, one a seed, for the figures.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "single_task_workdirs",
        [],
        "Folders of runs of the same trunk on each task alone.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "weights",
        None,
        "Name under which the best run's weights become a part of the package.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "comparisons",
        [],
        "Workdirs of finished runs of tools.compare, for the card's tables.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "pages",
        False,
        "Writes docs/zoo and the README's table from all cards, and nothing "
        "else.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "check",
        False,
        "Measures the shipped weights of --model, or of all models, again, and "
        "fails where a metric differs from its card.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared data sets.", flag_values=values
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Measures the model, writes its card and prints it."""
    del operands
    if values.pages:
        for path in card_pages.write(_ROOT):
            print(path.relative_to(_ROOT))
        return
    if values.check:
        card_check.run(values.model, values.data_dir)
        return
    _check(values)
    old = _old_card(values.model)
    module_name = values.module or old.get("module")
    if module_name is None:
        raise ValueError(
            f"{values.model!r} has no card yet. Expected --module, where the "
            "model is written. Received: none. The models with a card are "
            f"{listed(zoo.list_models())}."
        )
    entry = registry.entry_of(module_name)
    content = card_writer.describe(values.model, entry)
    content["data"] = {
        data: card_writer.describe_data(entry, data, values.data_dir)
        for data in entry.data
    }
    content["weights"] = dict(old.get("weights", {}))
    content["figures"] = list(old.get("figures", []))
    content["comparisons"] = [
        card_writer.comparison(Path(path)) for path in values.comparisons
    ] or list(old.get("comparisons", []))
    # Written first without what is new: loading the weights needs a card.
    card_writer.write(Card(content))
    if values.workdirs:
        _add_figures(content, values)
        card_writer.write(Card(content))
    print(zoo.info(values.model))


def _check(values) -> None:
    if values.model is None:
        raise ValueError(
            "Expected --model, the name of a model. Received: none"
        )
    for flag in ("weights", "single_task_workdirs"):
        if values[flag].value and not values.workdirs:
            raise ValueError(
                f"--{flag} needs --workdirs, the runs that it belongs to. "
                f"Received: --{flag}={values[flag].value}"
            )


def _old_card(name: str) -> dict:
    path = registry.CARDS / f"{name}.json"
    return dict(Card.read(path)) if path.exists() else {}


def _add_figures(content: dict, values) -> None:
    workdirs = [Path(workdir) for workdir in values.workdirs]
    figures = card_writer.summarize(workdirs)
    single = [Path(workdir) for workdir in values.single_task_workdirs]
    if single:
        figures["single_task"] = card_writer.summarize_single(single)
    if values.weights:
        figures = {"weights": values.weights, **figures}
        content["weights"][values.weights] = card_writer.ship(
            Card(content), values.weights, workdirs
        )
    key = _identity(figures)
    content["figures"] = [
        figure for figure in content["figures"] if _identity(figure) != key
    ] + [figures]


def _identity(figures: dict) -> tuple:
    keys = ("weights", "data", "split", "recipe")
    return tuple(figures.get(key) for key in keys)


_COMMAND = app.Command(
    name="card",
    summary=SUMMARIES["card"],
    usage=(
        "--model=NAME [--module=MODULE] [--workdirs=FOLDER,...] "
        "[--single_task_workdirs=FOLDER,...] [--comparisons=FOLDER,...] "
        "[--weights=NAME] | --pages | --check"
    ),
    define=define,
    run=run,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
