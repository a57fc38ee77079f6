"""A long run from end to end, with its events as evidence, and what its rates mean for other numbers of rows.

    python tests/benchmarks/long_run.py --rows 100000000 --workers 2 --json tests/benchmarks/evidence/long_run.json

It generates profiles (or takes the folder `--source`), runs everything in a fresh workspace, and prints for each stage
the seconds, rows a second, CPU-seconds, bytes read and written and peak memory that its events tell, the peak of the
whole process tree as sampled here, and the time that `--to` rows would take at the measured rates: an extrapolation,
no measurement. `--json` keeps all of it, with the events of every stage; those of batches are summed up.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from speed import AGECLI, Measured, call, machine, watched

SCORING = ("stage", "features", "predict", "aggregate")  # what each further row costs; a model is trained on a sample


def events_of(project: Path) -> list[dict[str, Any]]:
    """All events of the project's last run, as they were written."""
    (*_, last) = sorted(project.glob("workspace/*/*/runs/*/events"))
    return [json.loads(path.read_text()) for path in sorted(last.glob("*.json"))]


def stages_of(events: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Seconds, and what the workers used, by stage; what batches used is added up."""
    found: dict[str, dict[str, float]] = {}
    for event in events:
        data, stage = event["data"], event["stage"]
        if event["kind"] == "stage_finished":
            found.setdefault(stage, {})["seconds"] = data["seconds"]
        if "used" in data:
            used, own = data["used"], found.setdefault(stage, {})
            for key in ("cpu_seconds", "bytes_read", "bytes_written"):
                own[key] = own.get(key, 0) + used[key]
            own["peak_memory"] = max(own.get("peak_memory", 0), used["peak_memory"])
    return {stage: used for stage, used in found.items() if "seconds" in used}


def batches_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """How long the batches took: that of the first tenth beside that of the last, and the range."""
    seconds = [e["data"]["seconds"] for e in events if e["batch"] is not None and "used" in e["data"]]
    tenth = max(1, len(seconds) // 10)
    return {
        "batches": len(seconds),
        "median_of_first_tenth": statistics.median(seconds[:tenth]),
        "median_of_last_tenth": statistics.median(seconds[-tenth:]),
        "shortest": min(seconds), "longest": max(seconds),
    }  # fmt: skip


def told(rows: int, run: Measured, stages: dict[str, dict[str, float]], to: int) -> dict[str, float]:
    """Prints the table; returns the extrapolation in seconds."""
    print(f"\n{rows:,} rows: {run.wall:,.0f} s, {run.cpu:,.0f} CPU-s, at most {run.peak / 2**20:,.0f} MiB in all")
    print(f"{'':12}{'seconds':>9}{'rows/s':>12}{'CPU-s':>9}{'MB read':>10}{'MB written':>12}{'peak MiB':>10}")
    for stage, used in stages.items():
        numbers = [used.get(key, 0) for key in ("cpu_seconds", "bytes_read", "bytes_written", "peak_memory")]
        rate = rows / used["seconds"] if stage in SCORING and used["seconds"] else 0
        print(f"{stage:12}{used['seconds']:>9,.0f}{rate:>12,.0f}{numbers[0]:>9,.0f}{numbers[1] / 1e6:>10,.0f}"
              f"{numbers[2] / 1e6:>12,.0f}{numbers[3] / 2**20:>10,.0f}")  # fmt: skip
    scoring = run.wall - stages.get("train", {}).get("seconds", 0)
    expected = {"rows": to, "seconds": scoring * to / rows}
    print(f"extrapolated, not measured: {to:,} rows at these rates take {expected['seconds'] / 60:,.0f} minutes from "
          "end to end, but for training, whose sample does not grow with them")  # fmt: skip
    return expected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--source", type=Path, help="a folder of generated profiles, kept")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--to", type=int, default=378_000_000)
    parser.add_argument("--place", type=Path, help="a folder for the files (default: temporary)")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.place is not None:
        arguments.place.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=arguments.place)).absolute()
    try:
        source = (arguments.source or place / "profiles").absolute()
        if arguments.source is None:
            call(["synth", "--rows", arguments.rows, "--seed", arguments.seed, "--out", source])
        project = place / "project"
        call(["init", project, "--recipe", "profiles", "--source", source])
        about = machine()
        run = watched("agecli", arguments.rows, [*AGECLI, "-C", project, "run", "--all", "--workers",
                                                 str(arguments.workers)])  # fmt: skip
        events = events_of(project)
        stages = stages_of(events)
        expected = told(arguments.rows, run, stages, arguments.to)
        if arguments.json:
            arguments.json.parent.mkdir(parents=True, exist_ok=True)
            kept = {
                "command": " ".join(["python tests/benchmarks/long_run.py", *sys.argv[1:]]),
                "machine": about, "rows": arguments.rows, "workers": arguments.workers, "wall_seconds": run.wall,
                "cpu_seconds": run.cpu, "peak_bytes": run.peak, "stages": stages, "batches": batches_of(events),
                "extrapolated": expected, "events": [e for e in events if e["batch"] is None],
            }  # fmt: skip
            arguments.json.write_text(json.dumps(kept, indent=1) + "\n")
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
