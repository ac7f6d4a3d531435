"""Which tasks belong together: `python -m tools.relations --model assays`."""

import shlex
from pathlib import Path

from absl import flags

from mtl_keras import files
from zoo.commands import SUMMARIES, app, selection

_PAGE = "relations.md"


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    selection.define(values)
    flags.DEFINE_list(
        "measures",
        None,
        "Measures of relation. Without it, all that suit the model's tasks.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "split", "train", "Split of the data to read.", flag_values=values
    )
    flags.DEFINE_integer(
        "steps",
        20,
        "Batches to read.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "batch_size",
        128,
        "Examples a batch.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "budget", 2, "The most models of a grouping.", flag_values=values
    )
    flags.DEFINE_float(
        "learning_rate",
        0.01,
        "Of the plain step that the affinity takes.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared data sets.", flag_values=values
    )
    flags.DEFINE_string(
        "output",
        "relations",
        f"Folder for {_PAGE} and a figure of each measure.",
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Measures, writes a page and figures, and prints the groupings."""
    del operands
    from mtl_keras import checks, plots, relations
    from mtl_keras.messages import unknown

    checks.integer("--budget", values.budget, low=1)
    checks.number("--learning_rate", values.learning_rate, above=0.0)
    for name in values.measures or ():
        if name not in relations.MEASURES:
            raise ValueError(unknown("measure", name, relations.MEASURES))
    chosen = selection.read(values)
    model = chosen.load()
    model.compile()
    dataset = chosen.dataset(values.split, values.batch_size, values.data_dir)
    folder = Path(values.output)
    lines = [
        f"# Relations of {chosen.name}'s tasks on {chosen.data}, "
        f"{values.split} split",
        "",
        f"At most {values.steps} batches of {values.batch_size} examples. "
        "Rows: the relation of a task, columns: to a task. Made by",
        "",
        f"    {_command(values)}",
        "",
    ]
    for name in values.measures or relations.MEASURES:
        options = {"affinity": {"learning_rate": values.learning_rate}}
        try:
            measured = relations.measure(
                name, model, dataset, values.steps, **options.get(name, {})
            )
        except ValueError as error:
            if values.measures:
                raise
            lines += [f"## {name}", "", f"Not measured. {error}", ""]
            print(f"{name}: not measured. {error}")
            continue
        figure = f"{chosen.name}_{name}.png"
        lines += [f"## {name}", "", measured.to_markdown()]
        if len(measured.names) > 1:
            plots.relations(measured, folder / figure)
            lines += [f"![{name}]({figure})", ""]
        text = _grouping(relations, measured, values.budget)
        print(f"{name}: {text}")
        lines += [f"{text[:1].upper()}{text[1:]}", ""]
    files.write_text(folder / _PAGE, "\n".join(lines))
    print(folder / _PAGE)


def _grouping(relations, measured, budget) -> str:
    if measured.undefined():
        return "no grouping, since a relation is undefined."
    grouping = relations.group(measured, budget=budget)
    groups = "; ".join(" + ".join(names) for names in grouping.groups)
    how = "the best" if grouping.is_exact else "by the heuristic"
    return f"models {groups} (mean gain {grouping.score:.3g}, {how})."


def _command(values) -> str:
    names = ("model", "workdir", "data", "measures", "split", "steps")
    names += ("batch_size", "budget", "learning_rate")
    parts = []
    for name in names:
        flag = values[name]
        if flag.value is not None and flag.value != flag.default:
            value = flag.value
            if isinstance(value, list):
                value = ",".join(value)
            parts.append(shlex.quote(f"--{name}={value}"))
    return " ".join(["python -m tools.relations", *parts])


_COMMAND = app.Command(
    name="relations",
    summary=SUMMARIES["relations"],
    usage="--model=NAME | --workdir=FOLDER [--measures=NAMES] [flags]",
    define=define,
    run=run,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
