"""`python -m agecli`: the same as `agecli`."""

import sys

from agecli.cli import main

if __name__ == "__main__":
    sys.exit(main())
