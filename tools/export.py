"""`python -m tools.export --help`; see `zoo.commands.export`."""

import sys

from zoo.commands import export

if __name__ == "__main__":
    sys.exit(export.main())
