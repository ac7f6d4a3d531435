"""`python -m tools.report --help`; see `zoo.commands.report`."""

import sys

from zoo.commands import report

if __name__ == "__main__":
    sys.exit(report.main())
