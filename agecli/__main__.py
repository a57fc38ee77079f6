"""The command `agecli`, and `python -m agecli`: the one door, which opens before anything else is imported."""

import sys


def main() -> int:
    """Runs the command line and returns its exit code; a Ctrl-C while it is still being imported is one like any."""
    try:
        from agecli.cli import main as command_line

        return command_line()
    except KeyboardInterrupt:
        print("error: stopped: Ctrl-C", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
