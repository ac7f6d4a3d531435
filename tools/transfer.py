"""`python -m tools.transfer --help`; see `zoo.commands.transfer`."""

import sys

from zoo.commands import transfer

if __name__ == "__main__":
    sys.exit(transfer.main())
