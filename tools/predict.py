"""`python -m tools.predict --help`; see `zoo.commands.predict`."""

import sys

from zoo.commands import predict

if __name__ == "__main__":
    sys.exit(predict.main())
