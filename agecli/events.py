"""What happens during a run, as plain data.

Stages, executors and renderers know each other only through these events. The lasting ones are kept, one file
each, under `runs/<run_id>/events/`; the manifest of a run is their fold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

STAGES = ("stage", "features", "train", "batches", "predict", "aggregate", "cleanup")

RUN_STARTED = "run_started"
RUN_FINISHED = "run_finished"
RUN_FAILED = "run_failed"
STAGE_STARTED = "stage_started"
STAGE_SKIPPED = "stage_skipped"
STAGE_FINISHED = "stage_finished"
STAGE_FAILED = "stage_failed"
BATCH_FINISHED = "batch_finished"
BATCH_FAILED = "batch_failed"
PROGRESS = "progress"
LOG = "log"
WARNING = "warning"

TRANSIENT = frozenset({PROGRESS})


@dataclass(frozen=True)
class Event:
    """One thing that happened. `data` holds JSON values only; its keys depend on `kind`:

    run_started     recipe, task, period, stages, command, workers, memory, source_bytes
    run_finished    state ("done" or "partial"), seconds
    run_failed      error (AgecliError.to_json), state ("failed", "refused" by a gate, or "interrupted"), seconds
    stage_started   why, and total: the batches of predict
    stage_skipped   why, and the facts of the earlier run that it stands for
    stage_finished  seconds, rows, and the stage's own facts
    stage_failed    error, seconds
    batch_finished  rows, scored, seconds
    batch_failed    error, rows
    progress        done, total, unit
    log, warning    message
    """

    kind: str
    run_id: str
    stage: str | None = None
    batch: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    at: str = field(default_factory=lambda: now())

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, default=str)

    @classmethod
    def from_json(cls, line: str) -> Event:
        """Fields that a newer agecli added are passed over. Raises ValueError for anything else that is amiss."""
        told = json.loads(line)
        if not isinstance(told, dict):
            raise ValueError(f"no JSON object: {line[:40]}")
        try:
            return cls(**{field.name: told[field.name] for field in fields(cls) if field.name in told})
        except TypeError as error:
            raise ValueError(str(error)) from None


def now() -> str:
    """The present as ISO 8601 in UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


@dataclass
class StageRecord:
    """What the events say about one stage of a run."""

    name: str
    state: str = "pending"
    seconds: float | None = None
    rows: int | None = None
    skipped: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    batches_done: int = 0
    batches_failed: list[int] = field(default_factory=list)
    error: dict[str, Any] | None = None


@dataclass
class Manifest:
    """A run as its events tell it. Field names are those of `agecli status --output json`."""

    run_id: str
    state: str = "running"
    recipe: str = ""
    task: str = ""
    period: str = ""
    started_at: str = ""
    finished_at: str | None = None
    seconds: float | None = None
    stages: list[StageRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None

    def stage(self, name: str) -> StageRecord:
        """The record of a stage, made when it is first mentioned."""
        for record in self.stages:
            if record.name == name:
                return record
        record = StageRecord(name)
        self.stages.append(record)
        return record

    def facts(self) -> dict[str, Any]:
        """All stages' facts in one mapping; a later stage's word counts."""
        merged: dict[str, Any] = {}
        for record in self.stages:
            merged.update(record.facts)
        return merged

    def _metrics(self, facts: dict[str, Any]) -> dict[str, Any] | None:
        """The figures by role, with the rows that they were measured on and the interval, for whoever looks there."""
        found = facts.get("metrics")
        if not isinstance(found, dict):
            return None
        return {**found, "test_rows": facts.get("test_rows"), "interval": facts.get("interval")}

    def to_json(self) -> dict[str, Any]:
        """The form that scripts read; it only ever grows."""
        facts = self.facts()
        return {
            "run_id": self.run_id,
            "state": self.state,
            "recipe": self.recipe,
            "task": self.task,
            "period": self.period,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "seconds": self.seconds,
            "rows_in": facts.get("rows_in"),
            "rows_out": facts.get("rows_out"),
            "known": facts.get("known"),
            "predicted": facts.get("predicted"),
            "defaulted": facts.get("defaulted"),
            "results": facts.get("results"),
            "model": facts.get("model"),
            "model_version": facts.get("model_version"),
            "publication": facts.get("publication"),
            "metrics": self._metrics(facts),
            "test_rows": facts.get("test_rows"),
            "interval": facts.get("interval"),
            "tiers": facts.get("tiers"),
            "shift": facts.get("shift"),
            "importance": facts.get("importance"),
            "stages": [
                {
                    "name": record.name,
                    "state": record.state,
                    "seconds": record.seconds,
                    "rows": record.rows,
                    "skipped": record.skipped,
                    "batches_failed": record.batches_failed,
                }
                for record in self.stages
            ],
            "warnings": self.warnings,
            "error": self.error,
        }


def fold(events: Iterable[Event]) -> Manifest:
    """The manifest of the run that these events (in order) tell of; raises ValueError when there are none."""
    manifest: Manifest | None = None
    for event in events:
        if manifest is None:
            manifest = Manifest(event.run_id)
        _apply(manifest, event)
    if manifest is None:
        raise ValueError("a run without events")
    return manifest


def _apply(manifest: Manifest, event: Event) -> None:
    data = event.data
    if event.kind == RUN_STARTED:
        manifest.recipe, manifest.task = data.get("recipe", ""), data.get("task", "")
        manifest.period, manifest.started_at = data.get("period", ""), event.at
        for name in data.get("stages", ()):
            manifest.stage(name)
    elif event.kind in (RUN_FINISHED, RUN_FAILED):
        manifest.state, manifest.finished_at = data.get("state", "failed"), event.at
        manifest.seconds, manifest.error = data.get("seconds"), data.get("error")
    elif event.kind == WARNING:
        manifest.warnings.append(str(data.get("message", "")))
    elif event.stage is not None:
        _apply_to_stage(manifest.stage(event.stage), event)
        if event.kind == STAGE_SKIPPED:  # what was said when the stage ran still holds
            manifest.warnings += [str(message) for message in data.get("warnings", ())]


def _apply_to_stage(record: StageRecord, event: Event) -> None:
    data = event.data
    if event.kind == STAGE_STARTED:
        record.state = "running"
    elif event.kind in (STAGE_FINISHED, STAGE_SKIPPED):
        record.state = "done"
        record.skipped = event.kind == STAGE_SKIPPED
        record.seconds, record.rows = data.get("seconds", 0.0), data.get("rows")
        record.facts.update(data)
    elif event.kind == STAGE_FAILED:
        record.state, record.seconds, record.error = "failed", data.get("seconds"), data.get("error")
    elif event.kind == BATCH_FINISHED:
        record.batches_done += 1
    elif event.kind == BATCH_FAILED and event.batch is not None:
        record.batches_failed.append(event.batch)
