"""`python -m tools.trunk --help`; see `zoo.commands.trunk`."""

import sys

from zoo.commands import trunk

if __name__ == "__main__":
    sys.exit(trunk.main())
