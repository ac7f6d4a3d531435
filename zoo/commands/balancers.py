"""Writes the page of all balancers: `python -m tools.balancers`."""

from pathlib import Path

from absl import flags

from zoo.commands import SUMMARIES, app


def define(values: flags.FlagValues) -> None:
    """Defines the tool's flags."""
    flags.DEFINE_string(
        "output",
        None,
        "Markdown file to write. Without it the page is printed.",
        flag_values=values,
    )


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Prints or writes the page."""
    from mtl_keras.balancing import catalogue

    page = catalogue.page()
    if values.output is None:
        print(page, end="")
        return
    path = Path(values.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    print(path)


_COMMAND = app.Command(
    name="balancers",
    summary=SUMMARIES["balancers"],
    usage="[--output=FILE]",
    define=define,
    run=run,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
