"""One run of a comparison: a training whose cost is measured.

`zoo.commands.compare` starts it as a process of its own, so that one run's
memory is not another's.
"""

import dataclasses
import os
import sys
import threading
from pathlib import Path

from absl import flags

from zoo.commands import app, comparison_runs, train


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Trains like `zoo.commands.train`, and writes the cost beside it."""
    from mtl_keras import cost

    path = Path(values.workdir) / comparison_runs.COST
    train.train(values, operands, callbacks=[cost.Cost(path)])


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(dataclasses.replace(train.COMMAND, run=run), argv)


def _end_with_the_parent() -> None:
    """Ends this process when the one that started it is no more.

    Else a killed comparison, started again, would write to a folder that the
    run it left behind still writes to. A run may be killed at any moment.
    """

    def wait():
        # Not by `sys.stdin`: its lock, held here, would fail Python's end.
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    _end_with_the_parent()
    sys.exit(main())
