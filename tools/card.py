"""`python -m tools.card --help`; see `zoo.commands.card`."""

import sys

from zoo.commands import card

if __name__ == "__main__":
    sys.exit(card.main())
