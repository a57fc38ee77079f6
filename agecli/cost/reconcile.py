"""What a run really used beside what was to be expected of it, stage by stage, with the error of each line.

Bytes read are those that the operating system counted for the processes of a stage (`agecli.executors.usage`). What
is expected is worked out from the same footers as a query's scan: the columns that the stage's SQL needs, and the
checks that follow it. `low` is every needed byte once and no footers; `high` allows for one more reading of all of
it, as where memory spills, and training may read its rows again and again. Runs on AWS fill the same
fields with Athena's own count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from agecli.cost.compute import athena_usd
from agecli.cost.prices import RegionPrices
from agecli.cost.rates import Rates, of_run, shipped, usage_by_stage
from agecli.cost.scan import Opened, Planned, Range, estimate_opened, open_table
from agecli.cost.work import complete, queries_of, whole
from agecli.engines.base import Table
from agecli.errors import AgecliError, ConfigError
from agecli.events import BATCH_FINISHED, RUN_FINISHED, STAGE_FINISHED, Event
from agecli.pipeline.frozen import FrozenRun, thaw
from agecli.pipeline.graph import fingerprints, model_of, row_group_rows
from agecli.pipeline.parts import divided
from agecli.pipeline.tables import table_at
from agecli.workspace import EventLog, Workspace

COLUMNS = ("stage", "bytes_low", "bytes_expected", "bytes_high", "bytes_read", "error", "within", "cpu_expected",
           "cpu_seconds", "cpu_error")  # fmt: skip
HISTORY = ("run", "rows", "bytes_expected", "bytes_read", "error", "within", "cpu_expected", "cpu_seconds", "cpu_error",
           "note")  # fmt: skip
FOOTER = 64 << 10  # bytes that a reader takes from the end of a file
OPENED = 3  # times that a stage opens a table: size up, describe, read
CHECKED = 2  # times that it opens the features that it wrote, which may be many files: count, read
SLACK = 2 << 20
SPOOL_BYTES = 4  # of an encoded value
HASH, HASHES_AT_ONCE = 8, 4_000_000  # bytes of an id's hash, and how many are held in memory
LEAST = 0.95  # of the needed bytes: pages that nothing asks for may stay unread


@dataclass(frozen=True)
class Line:
    """One stage: what was expected, and what the system counted (None where it does not count, as on macOS)."""

    stage: str
    bytes: Range
    read: int | None
    cpu_expected: float
    cpu: float

    @property
    def error(self) -> float | None:
        """By how much the expected bytes are off, as a share of the actual ones: above 0, too much was expected."""
        return None if not self.read else self.bytes.expected / self.read - 1

    @property
    def within(self) -> bool | None:
        return None if self.read is None else self.bytes.low <= self.read <= self.bytes.high

    def row(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "bytes_low": self.bytes.low,
            "bytes_expected": self.bytes.expected,
            "bytes_high": self.bytes.high,
            "bytes_read": self.read,
            "error": None if self.error is None else round(self.error, 4),
            "within": self.within,
            "cpu_expected": round(self.cpu_expected, 3),
            "cpu_seconds": round(self.cpu, 3),
            "cpu_error": round(self.cpu_expected / self.cpu - 1, 4) if self.cpu else None,
        }


@dataclass(frozen=True)
class Reconciled:
    """One run. `notes` say what the comparison rests on."""

    run_id: str
    lines: tuple[Line, ...]
    measured: int
    notes: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        return [line.row() for line in self.lines]

    @property
    def sum(self) -> Line:
        """All stages as one line."""
        spans = [line.bytes for line in self.lines]
        reads = [line.read for line in self.lines]
        known = None if None in reads or not reads else sum(read or 0 for read in reads)
        return Line(
            "all",
            Range(sum(s.low for s in spans), sum(s.expected for s in spans), sum(s.high for s in spans)),
            known,
            sum(line.cpu_expected for line in self.lines),
            sum(line.cpu for line in self.lines),
        )

    def to_json(self, prices: RegionPrices) -> dict[str, Any]:
        per_tb = prices.usd("athena_tb")
        read = self.sum.read
        return {
            "run_id": self.run_id,
            "rows": self.measured,
            "stages": self.rows(),
            "total": self.sum.row(),
            "transitions": 0,
            "usd": 0.0,
            "usd_if_athena": {
                "expected": athena_usd(self.sum.bytes.expected, per_tb),
                "actual": None if read is None else athena_usd(read, per_tb),
            },
            "notes": list(self.notes),
        }


def measured(events: Iterable[Event]) -> bool:
    """Did a stage of this run measure what it used?"""
    return any("used" in event.data for event in events)


def reconcile(workspace: Workspace, run_id: str) -> Reconciled:
    """A run's use beside its estimate. Raises ConfigError for a run that measured nothing, and for one whose source
    is gone."""
    events = list(EventLog(workspace.run(run_id)).read())
    used = usage_by_stage(events)
    if not used:
        raise ConfigError(
            f"run {run_id} tells nothing of its use", "all its stages were fresh, or it ended before one did",
            "agecli run --force, then agecli cost --actual",
        )  # fmt: skip
    run = thaw(workspace.run(run_id))
    notes = ["bytes read: as the operating system counted them for the run's processes, libraries apart"]
    tables = _tables(run, events, notes)
    opened = {name: open_table(table) for name, table in tables.items()}
    expected = _expected(run, events, tables, opened)
    rates, rows = _other_rates(workspace, run_id), whole(opened["staging"]).rows
    notes.append(
        f"CPU seconds expected: as measured by {rates.origin}, by rows; what few rows cost all the same is not in it"
    )
    lines = []
    for stage, counted in used.items():
        if stage in expected:
            share = rows / rates.rows if stage != "train" else _labelled(events) / max(1, rates.labelled)
            cpu = rates.cpu.get(stage, 0.0) * share
            lines.append(Line(stage, expected[stage], counted["bytes_read"], cpu, counted["cpu_seconds"]))
    if not any(event.kind == RUN_FINISHED and event.data.get("state") == "done" for event in events):
        notes.append("the run did not end: what it did until its last finished stage or batch")
    if any(line.read is None for line in lines):
        notes.append("this system does not count the bytes that a process reads: unknown")
    return Reconciled(run_id, tuple(lines), rows, tuple(notes))


def summary(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """One row of the history; a run that cannot be compared says why."""
    try:
        found = reconcile(workspace, run_id)
    except AgecliError as error:
        return {"run": run_id, "note": error.why}
    missed = [line.stage for line in found.lines if line.within is False]
    row = found.sum.row()
    within = None if found.sum.read is None else not missed
    note = f"outside its bounds: {', '.join(missed)}" if missed else ""
    return {**row, "run": run_id, "rows": found.measured, "within": within, "note": note}


def _tables(run: FrozenRun, events: list[Event], notes: list[str]) -> dict[str, Table | Planned]:
    """The run's own tables by its fingerprints; what was cleaned up since is planned from what is there."""
    if not all(Path(file).is_file() for file in run.source.table.files):
        raise ConfigError("the source of the run is gone", "its files are not where they were", "put them back")
    prints, model = fingerprints(run), model_of(run)
    tables: dict[str, Table | Planned] = {"source": run.source.table}
    wanted = {"staging": prints.staging, "features": prints.features}
    if model is not None:
        wanted["results"] = prints.results(run, model, ())
    for name, fingerprint in wanted.items():
        facts = run.workspace.facts(name, fingerprint)
        if facts is not None and facts["files"]:
            tables[name] = table_at(run.workspace, name, fingerprint)
    batches = tuple(sorted(map(str, run.workspace.predictions(prints.plan).glob("batch-*.parquet"))))
    if batches:
        tables["predictions"] = Table(batches)
    return complete(tables, run.recipe, run.workspace.period, prints.reasons, notes)


def _expected(
    run: FrozenRun, events: list[Event], tables: Mapping[str, Table | Planned], opened: Mapping[str, Opened]
) -> dict[str, Range]:
    """Bytes that each stage reads, from the footers of its tables.

    A table just written has its ids read once, and those of a stored staging table are summed again for the features.
    Beyond some millions of rows the ids' hashes go through files too.
    """
    queries = queries_of(run.recipe, run.workspace.period, tables)
    needed = {name: _columns(sql, opened) for name, (_, sql) in queries.items()}
    ids = {name: _columns(f"SELECT id FROM {name}", opened) for name in ("staging", "features", "results")}
    rows = whole(opened["staging"]).rows
    hashes = HASH * rows if rows > HASHES_AT_ONCE else 0
    text = getattr(tables["source"], "format", "parquet") != "parquet"
    counting = needed["staging"] if text else 0  # text has no footer to count
    counts = {name: needed[f"{name} check"] - ids[name] for name in ("staging", "results")}
    stages = {
        "stage": (needed["staging"], counts["staging"] + counting, ("staging",), ("source", "staging")),
        "features": (needed["features"], 0, ("features", "staging"), ("staging", "features")),
        "aggregate": (needed["results"], counts["results"], ("results",), ("predictions", "results")),
    }
    found = {"batches": Range(0, _footers(tables["features"]), SLACK)}
    ways = {event.stage: event.data.get("staging") for event in events if event.kind == STAGE_FINISHED}
    if ways.get("stage") == "ephemeral":  # the source and the SQL were checked, and that is all
        del stages["stage"]
        footers = counting + OPENED * _footers(tables["source"])
        found["stage"] = Range(counting, footers, footers + SLACK)
    unread = 0
    if ways.get("features") == "ephemeral":
        twice = _read_twice(run, events, opened["source"], needed["staging"])
        stages["features"] = (needed["staging"], twice, ("features",), ("source", "features"))
        unread = needed["staging"]  # at most: columns of staging that features.sql makes no use of
    for stage, (data, counted, checked, touched) in stages.items():
        footers = sum((CHECKED if name == "features" else OPENED) * _footers(tables[name]) for name in touched)
        once = sum(ids[name] for name in checked)
        likely = data + counted + once + hashes + footers
        least = data - unread if stage == "features" else data
        found[stage] = Range(round(LEAST * (least + once)), likely, likely + data + once + SLACK)
    return {**found, **_model_stages(run, events, tables, opened)}


def _read_twice(run: FrozenRun, events: list[Event], source: Opened, data: int) -> int:
    """Of the `data` bytes of the source, those in row groups where one part of the features ends and another begins,
    and the footers that each worker but the first reads."""
    parts = next((event.data.get("parts", 1) for event in events if event.kind == STAGE_FINISHED
                  and event.stage == "features"), 1)  # fmt: skip
    groups = [group.rows for footer in source.footers.values() if footer is not None for group in footer.groups]
    ends = list(accumulate(groups))
    rows = ends[-1] if ends else 0
    begun = [part.first for part in divided(rows, row_group_rows(run), parts)[1:]]
    shared = sum(size for end, size in zip(ends, groups, strict=True) for first in begun if end - size < first < end)
    return round(data * shared / max(rows, 1)) + len(begun) * OPENED * _footers(source.table)


def _model_stages(
    run: FrozenRun, events: list[Event], tables: Mapping[str, Table | Planned], opened: Mapping[str, Opened]
) -> dict[str, Range]:
    """Training reads the features twice and its spool some times; each predicting worker reads the model once."""
    features = whole(opened["features"])
    data = sum(features.columns.values())
    rows = min(_labelled(events), run.deciding["max_train_rows"])
    spool = rows * len(run.recipe.features) * SPOOL_BYTES
    few = rows < run.deciding["few_labels"]
    batches = [event for event in events if event.kind == BATCH_FINISHED]
    done = sum(event.data["rows"] for event in batches)
    part = round(data * done / features.rows) if features.rows else data
    model = run.workspace.models / str(model_of(run))
    weight = sum(file.stat().st_size for file in model.glob("*")) if model.is_dir() else 0
    loads = min(run.workers, len(batches))
    table = tables["features"]
    files = len(table.files) if isinstance(table, Table) else 1
    footers = 3 * _footers(table) * max(len(batches), files) // files  # a batch opens the files that it lies in
    return {
        "train": Range(
            round(LEAST * data), 3 * data + 4 * spool + OPENED * _footers(tables["features"]),
            6 * data + (60 if few else 12) * spool + SLACK,
        ),
        "predict": Range(
            round(LEAST * part), part + loads * weight + footers, 2 * part + 2 * len(batches) * weight + footers + SLACK
        ),
    }  # fmt: skip


def _columns(sql: str, opened: Mapping[str, Opened]) -> int:
    """Compressed bytes of the columns that a query needs, in all row groups; of text, all of it."""
    tables = estimate_opened(sql, opened).tables
    return sum(sum(table.columns.values()) or table.bytes.expected for table in tables)


def _footers(table: Table | Planned) -> int:
    """Bytes that opening a table once takes from the ends of its files."""
    files = table.files if isinstance(table, Table) else ()
    return sum(min(FOOTER, Path(file).stat().st_size) for file in files) if files else FOOTER


def _labelled(events: list[Event]) -> int:
    told = [event.data["labelled"] for event in events if event.kind == STAGE_FINISHED and "labelled" in event.data]
    return int(told[-1]) if told else 0


def _other_rates(workspace: Workspace, run_id: str) -> Rates:
    """The rates that an estimate before this run would have used: of the run before, else the shipped ones."""
    for other in reversed([name for name in workspace.run_ids() if name < run_id]):
        rates = of_run(other, list(EventLog(workspace.run(other)).read()), workspace)
        if rates is not None:
            return rates
    return shipped()
