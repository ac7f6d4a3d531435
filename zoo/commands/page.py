"""Tools that print or write one page made from the code."""

import importlib
from pathlib import Path

from absl import flags

from zoo.commands import SUMMARIES, app


def command(name: str, catalogue: str) -> app.Command:
    """Makes such a tool.

    Args:
        name: String, the tool's.
        catalogue: String, the module whose `page()` returns the text.

    Returns:
        `app.Command`.
    """

    def run(values: flags.FlagValues, operands: list[str]) -> None:
        page = importlib.import_module(catalogue).page()
        if values.output is None:
            print(page, end="")
            return
        path = Path(values.output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
        print(path)

    return app.Command(
        name=name,
        summary=SUMMARIES[name],
        usage="[--output=FILE]",
        define=_define,
        run=run,
    )


def _define(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "output",
        None,
        "Markdown file to write. Without it the page is printed.",
        flag_values=values,
    )
