"""Lists the models of the zoo: `python -m tools.list_models --tasks box`."""

from absl import flags

import zoo
from zoo.commands import SUMMARIES, app


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    flags.DEFINE_string(
        "pattern",
        "*",
        "Names to list, as in a shell: cls_*.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "tasks",
        [],
        "Names or kinds of tasks, all of which a model must have: cls,box.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "data", None, "Data that a model must be ready for.", flag_values=values
    )
    flags.DEFINE_bool(
        "cards", False, "Prints the models' whole cards.", flag_values=values
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Prints the list."""
    del operands
    names = zoo.list_models(values.pattern, values.tasks, values.data)
    cards = [zoo.info(name) for name in names]
    if values.cards:
        print("\n\n".join(map(str, cards)))
        return
    rows = [("model", "tasks", "parameters", "data", "weights")]
    for card in cards:
        size = card.get("num_parameters")
        rows.append(
            (
                card["name"],
                ",".join(card["tasks"]),
                "-" if size is None else f"{size:,}",
                ",".join(card["data"]),
                ",".join(card.get("weights", ())) or "-",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        print("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
    if not cards:
        print(f"No model's name fits --pattern={values.pattern}.")


_COMMAND = app.Command(
    name="list_models",
    summary=SUMMARIES["list_models"],
    usage="[--pattern=PATTERN] [--tasks=NAME,...] [--data=NAME] [--cards]",
    define=define,
    run=run,
    needs_backend=False,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
