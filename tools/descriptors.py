"""`python -m tools.descriptors --help`; see `zoo.commands.descriptors`."""

import sys

from zoo.commands import descriptors

if __name__ == "__main__":
    sys.exit(descriptors.main())
