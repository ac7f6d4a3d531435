"""Writes the page of all architectures: `python -m tools.sharing`."""

from zoo.commands import app, page

_COMMAND = page.command("sharing", "mtl_keras.sharing.catalogue")


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(_COMMAND, argv)
