"""`python -m tools.evaluate --help`; see `zoo.commands.evaluate`."""

import sys

from zoo.commands import evaluate

if __name__ == "__main__":
    sys.exit(evaluate.main())
