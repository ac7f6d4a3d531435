"""Outputs for images, clips or sentences: `python -m tools.predict --help`.

`command` is the tool; `images`, `clips` and `sentences` read, ask and print;
`exported` is a SavedModel in the place of a model of the zoo.
"""

from zoo.commands.predict.command import main

__all__ = ["main"]
