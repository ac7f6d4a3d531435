"""Compares balancers: `python -m tools.compare --model cls_det_box`.

`command` is the tool, `names` reads what is compared, `runs` starts a process
for each training, and `run` is such a process.
"""

from zoo.commands.compare.command import main

__all__ = ["main"]
