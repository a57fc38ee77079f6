"""The work of one run, as it would be done on AWS: its tables, its queries with the bytes they scan, its batches.

Queries are the recipe's own, each with the check that follows it (ids, counts), over the tables as they lie in the
workspace. A table that is not there yet is planned from its inputs; a source of generated profiles that is not there
either is planned from the shipped benchmark. `--rows` scales what is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from agecli.config import Settings
from agecli.cost import texts
from agecli.cost.rates import Rates, benchmark, of_workspace
from agecli.cost.scan import Opened, Planned, Range, Scan, TableScan, estimate_opened, open_table, planned, table_at
from agecli.engines.base import Column, Table
from agecli.errors import ConfigError
from agecli.pipeline import source as sources
from agecli.pipeline.tables import generated, open_workspace, source_path, workspace_tables
from agecli.recipe import Recipe, as_of, load, render, shipped
from agecli.workspace import Workspace

MOST_BATCHES = 1000
LEAST_BATCH_ROWS = 51_200
FILES_OF_A_TABLE = 30  # what a CTAS writes where nothing says how many; only requests depend on it
SCALING = (0.9, 1.1)  # other rows may be shorter or longer than those at hand
BYTES_OF_A_REASON = 4.0  # a feature's name and a number, most of it in dictionaries

Tables = Mapping[str, Table | Planned]


@dataclass(frozen=True)
class Query:
    """One query of a stage. `scan` is at the rows measured; `factor` scales its bytes to the rows asked for."""

    name: str
    stage: str
    scan: Scan
    factor: float

    @property
    def bytes(self) -> Range:
        """Scaled, the columns alone are expected: small files are read whole, larger ones are not."""
        found = self.scan.bytes
        if self.factor == 1:
            return found
        columns = sum(sum(table.columns.values()) or table.bytes.expected for table in self.scan.tables)
        likely = min(columns, found.expected) * self.factor
        low, high = min(found.low, columns) * self.factor * SCALING[0], found.high * self.factor * SCALING[1]
        return Range(round(low), round(likely), round(high))

    @property
    def label(self) -> str:
        """As labelled by the scan; scaled to other rows, everything is an estimate."""
        return self.scan.label if self.factor == 1 else "estimate"


@dataclass(frozen=True)
class Work:
    """All that a run does. `rows` is what was asked for, `measured` what the tables hold; `sizes` are bytes by table,
    scaled; `runs_a_year` comes of the cadence."""

    recipe: Recipe
    rows: int
    measured: int
    tables: Tables
    queries: tuple[Query, ...]
    sizes: Mapping[str, float]
    batches: int
    labelled: float
    most_labelled: int
    rates: Rates
    runs_a_year: float
    assumptions: tuple[str, ...]

    @property
    def factor(self) -> float:
        return self.rows / self.measured

    @property
    def training_rows(self) -> float:
        return min(self.labelled, self.most_labelled)


CADENCES = {"daily": 365.0, "weekly": 52.0, "monthly": 12.0, "quarterly": 4.0, "yearly": 1.0}


def runs_a_year(settings: Settings) -> float:
    """How often a run is due: the setting `cadence`, else what the form of the period says (2026Q3: quarterly)."""
    wanted = settings["cadence"]
    if wanted is None:
        period = str(settings["period"])
        wanted = "quarterly" if "Q" in period else "monthly" if "-" in period else "yearly"
    if wanted not in CADENCES:
        raise ConfigError(f"cadence {wanted!r}", "it is none of " + ", ".join(CADENCES), "--cadence quarterly")
    return CADENCES[wanted]


def work_of(settings: Settings, rows: int | None = None) -> Work:
    """The work of a run with these settings, at `rows` rows or as many as the source has.

    Raises ConfigError where there is no source, SqlInvalid for SQL that names what is not there.
    """
    workspace, recipe = open_workspace(settings)
    said: list[str] = []
    tables = all_tables(settings, workspace, recipe, said)
    opened = {name: open_table(table) for name, table in tables.items()}
    measured, why = _rows(tables["source"], opened["source"])
    said += [why] if why else []
    wanted = measured if rows is None else rows
    factor = wanted / measured
    if rows is not None and rows != measured:
        said.append(f"scaled from {measured:,} rows to {rows:,}: bytes grow as rows do")
    rates = of_workspace(workspace)
    said.append(f"speed, memory and logs: measured by {rates.origin}")
    queries = tuple(
        Query(name, stage, estimate_opened(sql, opened), factor)
        for name, (stage, sql) in queries_of(recipe, settings["period"], tables).items()
    )
    batch_rows = settings["batch_rows"] or max(LEAST_BATCH_ROWS, wanted // MOST_BATCHES)
    share = rates.labelled / rates.rows if rates.rows else 1.0
    return Work(
        recipe=recipe,
        rows=wanted,
        measured=measured,
        tables=tables,
        queries=queries,
        sizes={name: table.total_bytes * factor for name, table in opened.items()},
        batches=max(1, round(wanted / batch_rows)),
        labelled=share * wanted,
        most_labelled=settings["max_train_rows"],
        rates=rates,
        runs_a_year=runs_a_year(settings),
        assumptions=tuple(said),
    )


def ad_hoc(settings: Settings, sql: str, rows: int | None = None) -> Query:
    """One query over the workspace's tables: source, staging, features, predictions, results."""
    workspace, recipe = open_workspace(settings)
    tables = all_tables(settings, workspace, recipe, [])
    opened = {name: open_table(table) for name, table in tables.items()}
    factor = 1.0 if rows is None else rows / _rows(tables["source"], opened["source"])[0]
    return Query("query", "", estimate_opened(sql, opened), factor)


def all_tables(settings: Settings, workspace: Workspace, recipe: Recipe, said: list[str]) -> dict[str, Table | Planned]:
    """Every table of a run, planned where it is not there yet; `said` hears which."""
    tables: dict[str, Table | Planned] = dict(workspace_tables(settings))
    if str(settings["source"]).startswith("s3://"):
        columns = tuple(Column(name, kind) for name, kind in recipe.source_columns.items())
        tables["source"] = table_at(settings["source"], columns)
    if "source" not in tables:
        tables["source"] = _absent_source(settings, workspace, recipe, said)
    return complete(tables, recipe, settings["period"], settings["reasons"], said)


def complete(
    tables: dict[str, Table | Planned], recipe: Recipe, period: str, reasons: int, said: list[str]
) -> dict[str, Table | Planned]:
    """The tables of a run, given its source and those that are there; the others are planned from their inputs."""
    rows, _ = _rows(tables["source"], open_table(tables["source"]))
    if "staging" not in tables:
        made = _with_checks(planned(_sql(recipe, period, "staging"), tables, rows))
        tables["staging"] = _as_measured("staging", made, recipe)
    if "features" not in tables:
        tables["features"] = _as_measured("features", planned(_sql(recipe, period, "features"), tables, rows), recipe)
    if "predictions" not in tables:
        tables["predictions"] = _planned_predictions(recipe, rows, reasons)
    if "results" not in tables:
        made = planned(_sql(recipe, period, "results", _reasons(tables)), tables, rows)
        tables["results"] = _as_measured("results", made, recipe)
    computed = {"staging"} if isinstance(tables["features"], Table) else set()  # within the features
    missing = [name for name, table in tables.items() if isinstance(table, Planned) and name not in computed]
    if missing:
        said.append(f"not there yet, estimated from their inputs: {', '.join(missing)}")
    return tables


def queries_of(recipe: Recipe, period: str, tables: Tables) -> dict[str, tuple[str, str]]:
    """Every query of a run by name, as (stage, SQL): the recipe's, and the checks of ids and counts after each."""
    bad = [name for name in _names(tables["staging"]) if name.startswith("bad_")]
    counted = ", ".join(("id", "known_label", "label_outside", *bad))
    return {
        "staging": ("stage", _sql(recipe, period, "staging")),
        "staging check": ("stage", f"SELECT {counted} FROM staging"),
        "features": ("features", _sql(recipe, period, "features")),
        "features check": ("features", "SELECT id FROM features"),
        "results": ("aggregate", _sql(recipe, period, "results", _reasons(tables))),
        "results check": ("aggregate", "SELECT id, source, confidence FROM results"),
    }


def _reasons(tables: Tables) -> str:
    """The columns with reasons that predictions bring, as results.sql lists them."""
    return "".join(f", {name}" for name in _names(tables["predictions"]) if name.startswith("reason_"))


def _sql(recipe: Recipe, period: str, name: str, reasons: str = "") -> str:
    default = "NULL"
    if recipe.default is not None:
        text = str(recipe.default).replace("'", "''")
        default = f"'{text}'" if isinstance(recipe.default, str) else repr(recipe.default)
    kind = "double" if recipe.task == "regression" else "varchar"
    values = {"source": "source", "staging": "staging", "features": "features", "predictions": "predictions",
              "as_of": f"DATE '{as_of(period).isoformat()}'", "default": f"CAST({default} AS {kind})",
              "reasons": reasons}  # fmt: skip
    return render(recipe.sql[name], values)


def _absent_source(settings: Settings, workspace: Workspace, recipe: Recipe, said: list[str]) -> Table | Planned:
    """The source that is not there: generated profiles are planned, any other is an error that says so."""
    path = source_path(settings, workspace, recipe)
    if path is None:
        raise ConfigError("no source", "neither agecli.toml nor a flag names one", "--source PATH")
    if settings["source"] is not None or generated(path):
        return sources.find_table(recipe, path)  # says what is wrong with it
    said.append("the profiles are not generated yet: sizes of the shipped benchmark's")
    columns = tuple(Column(name, kind) for name, kind in recipe.source_columns.items())
    sizes = benchmark()["source"]
    widths = {column.name: float(sizes.get(column.name, 8.0)) for column in columns}
    return Planned(columns, settings["synth_rows"], widths, "the shipped benchmark")


def _planned_predictions(recipe: Recipe, rows: int, reasons: int) -> Planned:
    label = "double" if recipe.task == "regression" else "varchar"
    kinds = {"id": "varchar", "known_label": label, "label_source": "varchar", "prediction": label,
             "confidence": "double", "lower_bound": "double", "upper_bound": "double", "model": "varchar"}  # fmt: skip
    kinds |= {f"reason_{number}": "varchar" for number in range(1, reasons + 1)}
    columns = tuple(Column(name, kind) for name, kind in kinds.items())
    widths = {name: float(benchmark()["predictions"].get(name, BYTES_OF_A_REASON)) for name in kinds}
    return Planned(columns, rows, widths, "the shipped benchmark")


def _as_measured(name: str, table: Planned, recipe: Recipe) -> Planned:
    """The table with the widths that the shipped benchmark measured, where it ran the very same SQL."""
    measured = benchmark()
    if recipe.name != measured["recipe"] or recipe.sql != _shipped_sql():
        return table
    widths = {column: float(measured[name].get(column, width)) for column, width in table.column_bytes.items()}
    return replace(table, column_bytes=widths, basis="bytes per row as in the shipped benchmark")


@cache
def _shipped_sql() -> Mapping[str, str]:
    return load(shipped() / str(benchmark()["recipe"])).sql


def _with_checks(staging: Planned) -> Planned:
    """The staging table with the column that agecli's wrapper adds: is the label out of bounds?"""
    columns = (*staging.columns, Column("label_outside", "boolean"))
    return replace(staging, columns=columns, column_bytes={**staging.column_bytes, "label_outside": 0.02})


def _names(table: Table | Planned) -> list[str]:
    if isinstance(table, Table) and not table.columns:
        import pyarrow.parquet as pq

        return list(pq.read_schema(table.files[0]).names)
    return [column.name for column in table.columns]


def whole(opened: Opened, name: str = "source") -> TableScan:
    """A table read from end to end. `name` is what an error calls it."""
    return estimate_opened(f"SELECT * FROM {name}", {name: opened}).tables[0]


def _rows(table: Table | Planned, opened: Opened) -> tuple[int, str]:
    """Rows of a table, from footers; of text, from the lines of its first MiB, which is said."""
    if isinstance(table, Planned) or table.format == "parquet":
        return max(1, whole(opened).rows), ""
    start = texts.sample(opened.objects[0])
    lines = max(1, len(start.lines))
    rows = round(opened.total_bytes / start.consumed * lines)
    return max(1, rows), f"about {rows:,} rows, from the length of the first {lines:,} lines"
