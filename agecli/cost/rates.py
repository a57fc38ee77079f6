"""How fast the stages work and what they leave: measured by the last run of this workspace, or by a shipped benchmark.

`benchmark.json` beside this module is what `python tests/benchmarks/cost_rates.py` wrote; it stands in where nothing
has run yet, and says so. CPU seconds are those that the operating system counted for each stage.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agecli.events import BATCH_FINISHED, RUN_FINISHED, STAGE_FINISHED, Event
from agecli.workspace import EventLog, Workspace

BENCHMARK = Path(__file__).parent / "benchmark.json"
TIMED = ("stage", "features", "train", "predict", "aggregate")


@dataclass(frozen=True)
class Rates:
    """What one run used. `cpu` maps stages to CPU seconds for `rows` rows, `labelled` of which had a label.

    `start` is what a worker needs before its first row, in CPU seconds; `memory` its peak in bytes; `log` the bytes
    that a run leaves in its log; `model` the size of the model's files.
    """

    origin: str
    rows: int
    labelled: int
    cpu: Mapping[str, float]
    start: float
    memory: int
    log: int
    model: int


@cache
def benchmark() -> dict[str, Any]:
    """The shipped measurements: rates, bytes per row of the profiles' source and of predictions, size of the image."""
    return dict(json.loads(BENCHMARK.read_text(encoding="utf-8")))


def shipped() -> Rates:
    """The rates of the shipped benchmark."""
    found = benchmark()
    return Rates(
        origin=f"the shipped benchmark of {found['date']} ({found['rows']:,} rows of {found['recipe']})",
        rows=found["rows"],
        labelled=found["labelled"],
        cpu=found["cpu_seconds"],
        start=found["start_seconds"],
        memory=found["peak_memory"],
        log=found["log_bytes"],
        model=found["model_bytes"],
    )


def of_workspace(workspace: Workspace) -> Rates:
    """The rates of the last run that did every timed stage itself, else the shipped ones."""
    for run_id in reversed(workspace.run_ids()):
        events = list(EventLog(workspace.run(run_id)).read())
        rates = of_run(run_id, events, workspace)
        if rates is not None:
            return rates
    return shipped()


def of_run(run_id: str, events: Sequence[Event], workspace: Workspace) -> Rates | None:
    """The rates of one run; None unless it finished and did all its stages and batches itself."""
    used = usage_by_stage(events)
    finished = {e.stage: e.data for e in events if e.kind == STAGE_FINISHED}
    ended = any(e.kind == RUN_FINISHED and e.data.get("state") == "done" for e in events)
    if not ended or not all(stage in used for stage in TIMED) or finished["predict"].get("batches_skipped"):
        return None
    model = workspace.models / str(finished["train"].get("model", ""))
    return Rates(
        origin=f"run {run_id} of this workspace",
        rows=int(finished["predict"]["rows"]),
        labelled=int(finished["train"].get("labelled", 0)),
        cpu={stage: used[stage]["cpu_seconds"] for stage in TIMED},
        start=benchmark()["start_seconds"],
        memory=max(used[stage]["peak_memory"] for stage in TIMED),
        log=sum(len(event.to_json()) + 1 for event in events),
        model=sum(file.stat().st_size for file in model.glob("*")) if model.is_dir() else 0,
    )


def usage_by_stage(events: Iterable[Event]) -> dict[str, dict[str, Any]]:
    """What each stage of a run used, its batches added up: bytes_read and bytes_written (None where not counted),
    cpu_seconds, wall_seconds, peak_memory, and how many `parts` were added."""
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        used = event.data.get("used")
        if event.stage is None or used is None or event.kind not in (STAGE_FINISHED, BATCH_FINISHED):
            continue
        before = found.get(event.stage)
        found[event.stage] = {**used, "parts": 1} if before is None else _added(before, used)
    return found


def _added(before: Mapping[str, Any], used: Mapping[str, Any]) -> dict[str, Any]:
    summed = {
        key: None if before.get(key) is None or used.get(key) is None else before[key] + used[key]
        for key in ("bytes_read", "bytes_written", "bytes_loaded", "cpu_seconds", "wall_seconds")
    }
    peak = max(before["peak_memory"], used["peak_memory"])
    return {**summed, "peak_memory": peak, "parts": before["parts"] + 1}
