"""`python -m tools.sharing --help`; see `zoo.commands.sharing`."""

import sys

from zoo.commands import sharing

if __name__ == "__main__":
    sys.exit(sharing.main())
