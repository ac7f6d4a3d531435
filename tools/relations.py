"""`python -m tools.relations --help`; see `zoo.commands.relations`."""

import sys

from zoo.commands import relations

if __name__ == "__main__":
    sys.exit(relations.main())
