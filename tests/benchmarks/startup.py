"""How long until the command line answers, as a multiple of importing click alone, measured in turn.

    python tests/benchmarks/startup.py --rounds 15

Processor time of the whole process tree, which other work on the machine disturbs least. `status` and `predict
--batch 0` are those of a small project that is made first; the batch is predicted anew each time, in a worker.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

AGECLI = [sys.executable, "-m", "agecli"]
BASE = [sys.executable, "-c", "import click"]


def seconds(command: list[str]) -> float:
    """CPU-seconds of a command and all that it starts."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with code {process.returncode}")
    return used.ru_utime + used.ru_stime


def project(place: Path, rows: int) -> list[str]:
    """The command line for a project that has run over so many generated rows."""
    made = [*AGECLI, "-C", str(place / "project")]
    environment = {**os.environ, "AGECLI_SYNTH_ROWS": str(rows)}
    for command in ([*AGECLI, "init", str(place / "project")], [*made, "run", "--all"]):
        subprocess.run(command, check=True, capture_output=True, env=environment)
    os.environ["AGECLI_SYNTH_ROWS"] = str(rows)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=20_000, help="rows of the project that is made")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        made = project(Path(place), arguments.rows)
        commands = {
            "--help": [*AGECLI, "--help"],
            "config": [*made, "config"],
            "status": [*made, "status"],
            "predict --batch 0": [*made, "predict", "--batch", "0"],
        }
        for name, command in commands.items():
            seconds(BASE), seconds(command)
            rounds = [(seconds(BASE), seconds(command)) for _ in range(arguments.rounds)]
            ratios = [taken / base for base, taken in rounds]
            taken = statistics.median(taken for _, taken in rounds)
            spread = f"range {min(ratios):.2f}-{max(ratios):.2f}"
            print(f"agecli {name}: {taken:.2f} s, {statistics.median(ratios):.2f} times importing click ({spread})")


if __name__ == "__main__":
    main()
