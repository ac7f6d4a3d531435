"""Writes the page of all balancers: `python -m tools.balancers`."""

from zoo.commands import app, page

_COMMAND = page.command("balancers", "mtl_keras.balancing.catalogue")


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
