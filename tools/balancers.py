"""`python -m tools.balancers --help`; see `zoo.commands.balancers`."""

import sys

from zoo.commands import balancers

if __name__ == "__main__":
    sys.exit(balancers.main())
