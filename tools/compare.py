"""`python -m tools.compare --help`; see `zoo.commands.compare`."""

import sys

from zoo.commands import compare

if __name__ == "__main__":
    sys.exit(compare.main())
