"""Outputs for what a model reads: `python -m tools.predict --help`.

`command` is the tool; `images`, `clips`, `recordings`, `rows` and `sentences`
read, ask and print; `exported` is a SavedModel in the place of a model.
"""

from zoo.commands.predict.command import main

__all__ = ["main"]
