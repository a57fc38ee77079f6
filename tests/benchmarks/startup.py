"""How long until the command line answers, as a multiple of importing click alone, measured in turn.

python tests/benchmarks/startup.py --rounds 15
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

BASE = [sys.executable, "-c", "import click"]
MEASURED = {"--help": [sys.executable, "-m", "agecli", "--help"], "config": [sys.executable, "-m", "agecli", "config"]}


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=False, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for name, command in MEASURED.items():
        seconds(BASE), seconds(command)
        ratios = []
        for _ in range(rounds):
            base = seconds(BASE)
            ratios.append(seconds(command) / base)
        spread = f"range {min(ratios):.2f}-{max(ratios):.2f}"
        print(f"agecli {name}: {statistics.median(ratios):.2f} times importing click ({spread})")


if __name__ == "__main__":
    main()
