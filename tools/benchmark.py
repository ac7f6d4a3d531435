"""`python -m tools.benchmark --help`; see `zoo.commands.benchmark`."""

import sys

from zoo.commands import benchmark

if __name__ == "__main__":
    sys.exit(benchmark.main())
