"""agecli's path from raw rows to results beside other ways to do it: rows per CPU-second, rows a second, memory.

    python tests/benchmarks/speed.py --rows 1000000 --rows 5000000 --rounds 3 --json speed.json

For each size it generates profiles once and then runs, in turn, round after round, on the same file with the same
model:

    reference   pandas, a Python function a row, three predict calls (speed_reference.py; its first rows only)
    plain       DuckDB -> pandas -> XGBoost -> Parquet, as a good engineer writes it (speed_plain.py)
    decode      reading all columns of the file, and no more (speed_limits.py)
    copy        copying the file (speed_limits.py)
    agecli      `agecli run --all` in a workspace that has the model and nothing else
    agecli_1    the same with one worker: like the reference it has one core, and none that shares it

Where two processors are threads of one core, as in most clouds, a CPU-second of both at once is worth less than one
of a thread alone; so both are measured. CPU time is that of the whole process tree (`wait4`), start-up included;
memory is the sum of the tree's proportional set sizes, sampled. The model is trained once for each size, before.
Medians and ranges are printed, and how far the rivals' predictions are from agecli's on the same rows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
AGECLI = [sys.executable, "-m", "agecli"]
WAYS = ("reference", "plain", "decode", "copy", "agecli", "agecli_1")
OWN = WAYS[-2:]
KEPT = ("models", "generated")
os.environ["AGECLI_PERIOD"] = "2026Q3"  # the period that the rivals have written into them
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as installed: compiled once, not in every process


@dataclass(frozen=True)
class Measured:
    """One run of one way: seconds, CPU-seconds and peak bytes of its process tree."""

    way: str
    rows: int
    wall: float
    cpu: float
    peak: int


def tree_memory(root: psutil.Process) -> int:
    """Bytes of a process and all below it; pages that processes share count once between them."""
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def watched(way: str, rows: int, command: list[str | Path]) -> Measured:
    """Runs a command to its end and returns what its process tree used."""
    peak = 0
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, cwd=HERE)
        ended = threading.Event()

        def sample() -> None:
            nonlocal peak
            root = psutil.Process(process.pid)
            while not ended.wait(0.1):
                try:
                    peak = max(peak, tree_memory(root))
                except psutil.NoSuchProcess:
                    return

        sampler = threading.Thread(target=sample)
        sampler.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        sampler.join()
        if process.returncode:
            log.seek(0)
            raise SystemExit(f"{way}: {log.read().decode()[-2000:]}")
    return Measured(way, rows, wall, used.ru_utime + used.ru_stime, peak)


class Size:
    """The file and the project of one size."""

    def __init__(self, rows: int, place: Path, workers: int) -> None:
        self.rows, self.workers = rows, workers
        self.folder, self.project = place / f"rows-{rows}", place / f"project-{rows}"
        self.source = self.folder / "profiles-00000.parquet"
        self.out = place / "out.parquet"

    def make(self) -> None:
        """Generates the rows, unless they are there, and sets the project up."""
        if not self.source.is_file():
            parts = self.folder / "parts"
            call(["synth", "--rows", self.rows, "--seed", 1, "--out", parts])
            one_file(sorted(parts.glob("*.parquet")), self.source)
            shutil.rmtree(parts)
        call(["init", self.project, "--recipe", "profiles", "--source", self.source])

    @property
    def workspace(self) -> Path:
        return self.project / "workspace" / "profiles"

    def train(self) -> Path:
        """Trains, unless that was done before, and returns the folder of the model."""
        models = self.workspace / "models"
        if not models.is_dir():
            call(["-C", self.project, "run", "--to", "train"])
        (card,) = models.glob("*/card.json")
        return card.parent

    def clear(self) -> None:
        """Leaves the models, and nothing that a run would find done."""
        for path in self.workspace.iterdir():
            if path.name not in KEPT:
                shutil.rmtree(path)

    def run(self, way: str, model: Path, reference_rows: int) -> Measured:
        """Runs one way once."""
        python = sys.executable
        if way == "reference":
            rows = min(reference_rows, self.rows)
            script = [python, "speed_reference.py", self.source, model, self.out, "--rows", rows]
            return watched(way, rows, script)
        if way == "plain":
            script = [python, "speed_plain.py", self.source, model, self.out, "--threads", self.workers]
            return watched(way, self.rows, script)
        if way in ("decode", "copy"):
            script = [python, "speed_limits.py", way, self.source, *([self.out] if way == "copy" else [])]
            return watched(way, self.rows, script)
        self.clear()
        workers = 1 if way == "agecli_1" else self.workers
        command = [*AGECLI, "-C", self.project, "run", "--all", "--workers", workers]
        return watched(way, self.rows, command)

    def stages(self) -> dict[str, float]:
        """Seconds of each stage in the last run, from its events."""
        events = sorted((self.workspace).glob("*/runs/*/events/*-stage_finished.json"))
        found = [json.loads(path.read_text()) for path in events]
        return {event["stage"]: event["data"]["seconds"] for event in found}

    def distance(self, way: str) -> dict[str, float]:
        """How far a rival's predictions are from agecli's, over the rows that both have."""
        import duckdb

        (results,) = self.workspace.glob("*/results/*/*.parquet")
        query = (
            "SELECT avg(abs(a.value - b.value)), avg((abs(a.value - b.value) > 0.001)::INTEGER)"
            " FROM read_parquet(?) a JOIN read_parquet(?) b USING (id) WHERE a.source = 'PREDICTED'"
        )
        found = duckdb.execute(query, [str(results), str(self.out)]).fetchone()
        assert found is not None
        return {"mean_difference": found[0], "share_of_rows": found[1]}


def call(arguments: list[Any]) -> None:
    done = subprocess.run([*AGECLI, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)


def one_file(files: list[Path], target: Path) -> None:
    """Joins Parquet files row group by row group, encoded as they are, and removes them."""
    import pyarrow.parquet as pq

    part = target.with_suffix(".joining")
    first = pq.read_metadata(files[0]).row_group(0)
    columns = [first.column(number) for number in range(first.num_columns)]
    words = [column.path_in_schema for column in columns if column.has_dictionary_page]
    with pq.ParquetWriter(part, pq.read_schema(files[0]), compression="zstd", use_dictionary=words) as writer:
        for path in files:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    writer.write_table(file.read_row_group(group))
            path.unlink()
    part.rename(target)


def machine() -> dict[str, Any]:
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())  # fmt: skip
    import duckdb
    import pyarrow
    import xgboost

    return {
        "processor": model, "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.system(), "python": platform.python_version(), "duckdb": duckdb.__version__,
        "pyarrow": pyarrow.__version__, "xgboost": xgboost.__version__, "load_before": os.getloadavg()[0],
    }  # fmt: skip


def summary(runs: list[Measured]) -> dict[str, Any]:
    """Median and range of what several runs of one way used."""
    per_cpu = [run.rows / run.cpu for run in runs]
    per_second = [run.rows / run.wall for run in runs]
    peaks = [run.peak / 2**20 for run in runs]
    return {
        name: {"median": statistics.median(values), "low": min(values), "high": max(values)}
        for name, values in (("rows_per_cpu_second", per_cpu), ("rows_per_second", per_second), ("peak_mib", peaks))
    }


def report(rows: int, measured: list[Measured]) -> dict[str, Any]:
    """Prints one size's table and returns it."""
    table = {way: summary([run for run in measured if run.way == way]) for way in WAYS
             if any(run.way == way for run in measured)}  # fmt: skip
    own = [table[way]["rows_per_cpu_second"]["median"] for way in OWN]
    print(f"\n{rows:,} rows")
    print(f"{'':12}{'rows/CPU-s':>12}{'range':>24}{'rows/s':>12}{'range':>24}{'peak MiB':>10}{OWN[0]:>12}{OWN[1]:>12}")
    for way, found in table.items():
        cpu, wall, peak = found["rows_per_cpu_second"], found["rows_per_second"], found["peak_mib"]
        times = [rows_per_second / cpu["median"] for rows_per_second in own]
        found |= {f"{one}_times": more for one, more in zip(OWN, times, strict=True)}
        told = [f"{one:.1f} x" if one >= 1 else f"{one:.1%}" for one in times]
        print(
            f"{way:12}{cpu['median']:>12,.0f}{cpu['low']:>12,.0f}-{cpu['high']:<11,.0f}{wall['median']:>12,.0f}"
            f"{wall['low']:>12,.0f}-{wall['high']:<11,.0f}{peak['median']:>10,.0f}{told[0]:>12}{told[1]:>12}"
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--reference-rows", type=int, default=50_000)
    parser.add_argument("--only", choices=WAYS, action="append", help="measure these ways only (agecli's two always)")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--place", type=Path, help="a folder for the files, kept (default: temporary)")
    arguments = parser.parse_args()
    sizes = sorted(arguments.rows or [1_000_000])
    kept: dict[str, Any] = {"machine": machine(), "workers": arguments.workers, "sizes": []}
    print(", ".join(f"{name} {value}" for name, value in kept["machine"].items()))
    with tempfile.TemporaryDirectory() as temporary:
        place = (arguments.place or Path(temporary)).absolute()
        for rows in sizes:
            size = Size(rows, place, arguments.workers)
            if not size.project.is_dir():
                size.make()
            kept["sizes"].append(measure(size, size.train(), arguments))
            if arguments.place is None:
                shutil.rmtree(size.folder)
            if arguments.json:
                arguments.json.write_text(json.dumps(kept, indent=1) + "\n")


def measure(size: Size, model: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """All rounds of one size: the ways in turn."""
    measured: list[Measured] = []
    distances: dict[str, dict[str, float]] = {}
    others = [way for way in WAYS if way not in OWN and (arguments.only is None or way in arguments.only)]
    ways = [*reversed(OWN), *others]  # its own come first: the rivals' predictions are compared with theirs
    bytes_in = size.source.stat().st_size
    for number in range(arguments.rounds):
        for way in ways:
            measured.append(size.run(way, model, arguments.reference_rows))
            if number == 0 and way in ("plain", "reference"):
                distances[way] = size.distance(way)
            size.out.unlink(missing_ok=True)
    table, stages = report(size.rows, measured), size.stages()
    print(f"source {bytes_in / size.rows:.0f} bytes a row; stages of the last run in seconds: {stages}")
    for way, found in distances.items():
        print(f"{way} predicts {found['mean_difference']:.4f} from agecli on average, "
              f"otherwise in {found['share_of_rows']:.2%} of rows")  # fmt: skip
    return {"rows": size.rows, "bytes": bytes_in, "table": table, "stages": stages, "distances": distances,
            "runs": [asdict(run) for run in measured]}  # fmt: skip


if __name__ == "__main__":
    main()
