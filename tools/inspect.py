"""`python -m tools.inspect --help`; see `zoo.commands.inspect`."""

import sys

from zoo.commands import inspect

if __name__ == "__main__":
    sys.exit(inspect.main())
