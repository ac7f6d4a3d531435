"""`python -m tools.tune --help`; see `zoo.commands.tune`."""

import sys

from zoo.commands import tune

if __name__ == "__main__":
    sys.exit(tune.main())
