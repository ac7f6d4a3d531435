"""Searches for a better recipe: `python -m tools.tune --model cls_det_box`.

`command` is the tool, `trial` trains one trial, `results` writes what the
search leaves; `team` starts several processes, each a `member`.
"""

from zoo.commands.tune.command import main

__all__ = ["main"]
