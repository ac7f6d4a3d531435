"""`python -m tools.merge --help`; see `zoo.commands.merge`."""

import sys

from zoo.commands import merge

if __name__ == "__main__":
    sys.exit(merge.main())
