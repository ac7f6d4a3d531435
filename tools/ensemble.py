"""`python -m tools.ensemble --help`; see `zoo.commands.ensemble`."""

import sys

from zoo.commands import ensemble

if __name__ == "__main__":
    sys.exit(ensemble.main())
