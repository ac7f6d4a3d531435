"""Transfers three assays to a new one: `python -m tools.transfer`."""

from pathlib import Path

from absl import flags

from zoo.commands import SUMMARIES, app

_SOURCES = ("NR-AhR", "SR-ARE", "SR-p53")
_NEW = "SR-MMP"


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    flags.DEFINE_list(
        "sources",
        list(_SOURCES),
        "Assays of Tox21 that the source model is trained on.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "new", _NEW, "Assay that is transferred to.", flag_values=values
    )
    flags.DEFINE_integer(
        "labels",
        50,
        "Labels of the new assay.",
        lower_bound=4,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "seeds", 5, "Seeds 0, 1, ...", lower_bound=2, flag_values=values
    )
    flags.DEFINE_integer(
        "source_epochs",
        12,
        "Epochs of the source model.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "epochs",
        80,
        "Most epochs on the new labels; validation chooses how many.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_string(
        "data", "tox21_assays", "Division of the data.", flag_values=values
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared data sets.", flag_values=values
    )
    flags.DEFINE_string(
        "output",
        None,
        "Markdown file to append the table to.",
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Trains all models and prints the table.

    Raises:
        ValueError: If an assay is unknown, or the new one is a source.
    """
    del operands
    from zoo import transfer_problem

    problem = transfer_problem.TransferProblem(
        sources=tuple(values.sources),
        new=values.new,
        num_labels=values.labels,
        source_epochs=values.source_epochs,
        epochs=values.epochs,
    )
    splits = transfer_problem.read_splits(values.data, values.data_dir)
    text = transfer_problem.table(problem, splits, range(values.seeds))
    print(text, end="")
    if values.output:
        path = Path(values.output)
        before = path.read_text("utf-8") + "\n" if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(before + text, "utf-8")


_COMMAND = app.Command(
    name="transfer",
    summary=SUMMARIES["transfer"],
    usage="[--new=ASSAY] [--sources=A,B,C] [--labels=50] [--seeds=5]",
    define=define,
    run=run,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
