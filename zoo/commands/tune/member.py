"""One process of a search by several: the chief or a worker.

`zoo.commands.tune.team` starts it, with KerasTuner's variables set.
"""

import sys

from zoo.commands import parent
from zoo.commands.tune import command

if __name__ == "__main__":
    parent.end_with_the_parent()
    sys.exit(command.main())
