"""`python -m tools.list_models --help`; see `zoo.commands.list_models`."""

import sys

from zoo.commands import list_models

if __name__ == "__main__":
    sys.exit(list_models.main())
