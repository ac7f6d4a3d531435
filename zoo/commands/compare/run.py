"""One run of a comparison: a training whose cost is measured.

`zoo.commands.compare` starts it as a process of its own, so that one run's
memory is not another's.
"""

import dataclasses
import sys
from pathlib import Path

from absl import flags

from zoo.commands import app, parent, train
from zoo.commands.compare import runs


def run(values: flags.FlagValues, operands: list[str]) -> None:
    """Trains like `zoo.commands.train`, and writes the cost beside it."""
    from mtl_keras.profiling import cost

    path = Path(values.workdir) / runs.COST
    train.train(values, operands, callbacks=[cost.Cost(path)])


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; `argv` is without the program's name."""
    return app.run(dataclasses.replace(train.COMMAND, run=run), argv)


if __name__ == "__main__":
    parent.end_with_the_parent()
    sys.exit(main())
