"""Does memory grow with rows? Peak resident memory of the whole process tree at two sizes.

    python tests/benchmarks/memory.py --rows 500000 --rows 2000000 --workers 2

For each size it generates profiles, runs everything in a fresh workspace and samples the sum of the resident
memory of the tree every 20 ms (pages that processes share count for each of them). It prints one line a size, the
peak of each stage, and the ratio of the last size to the first; `--json FILE` keeps the figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil


def tree_memory(root: psutil.Process) -> int:
    """Bytes resident in a process and all below it."""
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def running_stage(project: Path) -> str:
    started = sorted(project.glob("workspace/*/*/runs/*/events/*-stage_started.json"))
    return json.loads(started[-1].read_text())["stage"] if started else "start"


def measure(rows: int, workers: int, place: Path) -> dict[str, object]:
    """Runs the profiles recipe over so many rows and returns seconds and peaks in bytes."""
    source, project = place / "profiles", place / "project"
    agecli = [sys.executable, "-m", "agecli"]
    subprocess.run(
        [*agecli, "synth", "--rows", str(rows), "--seed", "1", "--out", source], check=True, capture_output=True
    )
    subprocess.run(
        [*agecli, "init", project, "--recipe", "profiles", "--source", source], check=True, capture_output=True
    )
    began = time.monotonic()
    peaks: dict[str, int] = {}
    with subprocess.Popen(
        [*agecli, "-C", project, "run", "--all", "--workers", str(workers)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as run:  # fmt: skip
        root = psutil.Process(run.pid)
        while run.poll() is None:
            stage = running_stage(project)
            try:
                peaks[stage] = max(peaks.get(stage, 0), tree_memory(root))
            except psutil.NoSuchProcess:
                break
            time.sleep(0.02)
        if run.wait():
            assert run.stderr is not None
            raise SystemExit(run.stderr.read())
    return {"rows": rows, "seconds": time.monotonic() - began, "peak": max(peaks.values()), "stages": peaks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    measured = []
    for rows in arguments.rows or [500_000, 2_000_000]:
        with tempfile.TemporaryDirectory() as place:
            measured.append(measure(rows, arguments.workers, Path(place)))
        last = measured[-1]
        stages = ", ".join(f"{name} {peak / 2**20:,.0f}" for name, peak in last["stages"].items())
        print(
            f"{rows:>11,} rows  {last['seconds']:7.1f} s  peak {last['peak'] / 2**20:,.0f} MiB  ({stages})", flush=True
        )
    print(f"ratio of the last peak to the first: {measured[-1]['peak'] / measured[0]['peak']:.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
