"""Measures what `agecli cost` assumes where nothing has run yet, and writes agecli/cost/benchmark.json.

    python tests/benchmarks/cost_rates.py --rows 300000

Runs the profiles recipe once in a temporary folder and takes, from what the operating system counted: CPU seconds by
stage, peak memory, bytes of the log and the model, bytes per row of every table's columns; and from this
installation the size of the libraries that an image would hold.
"""

import argparse
import importlib.metadata
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from agecli.cost import rates
from agecli.workspace import TABLES, EventLog, Workspace

PERIOD = "2026Q3"
NEEDED = "click rich tabulate duckdb pyarrow numpy scikit-learn scipy joblib threadpoolctl xgboost-cpu"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        stored = Path(folder) / "stored"  # once more with a staging table on disk, to have its size
        generated = project / "workspace" / "profiles" / "generated"
        agecli("init", project)
        agecli("-C", project, "run", "--all", "--synth-rows", rows)
        (source,) = generated.iterdir()
        agecli(
            "-C", project, "run", "--to", "stage", "--materialise", "table", "--workspace", stored, "--source", source
        )
        found = measured(Workspace(project / "workspace", "profiles", PERIOD), rows)
        found["staging"] = bytes_per_row(
            sorted((Workspace(stored, "profiles", PERIOD).base / "staging").glob("*/*.parquet"))
        )
    rates.BENCHMARK.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def agecli(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "agecli", *map(str, words)], check=True)


def measured(workspace: Workspace, rows: int) -> dict[str, object]:
    (run_id,) = workspace.run_ids()
    events = list(EventLog(workspace.run(run_id)).read())
    used = rates.usage_by_stage(events)
    facts = {event.stage: event.data for event in events if event.kind == "stage_finished"}
    model = workspace.models / facts["train"]["model"]
    source = sorted((workspace.root / "profiles" / "generated").glob("*/*.parquet"))
    predictions = sorted((workspace.base / "predictions").glob("*/*.parquet"))
    return {
        "command": f"python tests/benchmarks/cost_rates.py --rows {rows}",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.uname().machine}, {len(os.sched_getaffinity(0))} cores",
        "recipe": "profiles",
        "rows": rows,
        "labelled": facts["train"]["labelled"],
        "cpu_seconds": {stage: round(used[stage]["cpu_seconds"], 3) for stage in rates.TIMED},
        "start_seconds": round(start_seconds(), 2),
        "peak_memory": max(used[stage]["peak_memory"] for stage in rates.TIMED),
        "log_bytes": sum(len(event.to_json()) + 1 for event in events),
        "model_bytes": sum(file.stat().st_size for file in model.glob("*")),
        "image_bytes": sum(size_of(name) for name in NEEDED.split()),
        "source": bytes_per_row(source),
        "predictions": bytes_per_row(predictions),
        **{name: bytes_per_row(sorted((workspace.base / name).glob("*/*.parquet"))) for name in TABLES},
    }


def start_seconds() -> float:
    """CPU seconds of a process that loads what a predicting worker needs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import agecli.pipeline.prediction"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def bytes_per_row(files: list[Path]) -> dict[str, float]:
    """Compressed bytes per row of each column, from the footers."""
    rows, sizes = 0, {}
    for file in files:
        footer = pq.read_metadata(file)
        rows += footer.num_rows
        groups = map(footer.row_group, range(footer.num_row_groups))
        for chunk in (group.column(i) for group in groups for i in range(group.num_columns)):
            name = re.split(r"\.", chunk.path_in_schema)[0]
            sizes[name] = sizes.get(name, 0) + chunk.total_compressed_size
    return {name: round(size / rows, 4) for name, size in sizes.items()}


def size_of(name: str) -> int:
    """Bytes that a library takes where it is installed."""
    files = importlib.metadata.files(name) or []
    return sum(Path(str(file.locate())).stat().st_size for file in files if Path(str(file.locate())).is_file())


if __name__ == "__main__":
    main()
