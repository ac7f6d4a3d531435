"""`python -m tools.train --help`; see `zoo.commands.train`."""

import sys

from zoo.commands import train

if __name__ == "__main__":
    sys.exit(train.main())
