"""The `stage` stage: source rows to typed ones by the recipe's staging.sql, one row out per row in.

The table is stored only where something asks for it. Otherwise the stage checks the source and the SQL, and the
features are computed from a view that counts its rows as they pass.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from agecli.engines import Engine
from agecli.engines.base import Column, Table, View
from agecli.engines.ids import IdCheck, check_ids
from agecli.engines.tally import Tally
from agecli.errors import ConfigError, DataError, SqlFailed, SqlInvalid, SqlRefused
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import ROW_GROUP_ROWS, fingerprints, keeps_staging
from agecli.pipeline.space import check_space
from agecli.pipeline.tables import Facts, Progress, Say, engine_memory, engine_of
from agecli.recipe import BASE_COLUMNS, IDENTIFIER, Recipe, render
from agecli.workspace import mark_whole, new_folder

STAGED = ("rows_in", "labelled", "labels_outside", "bad")  # what the features' facts repeat of the staging table's
OUTSIDE = "label_outside"  # the column that says whose label was out of bounds
NUMBERS = ("tinyint", "smallint", "integer", "bigint", "real", "double", "decimal")


@contextlib.contextmanager
def in_file(name: str) -> Iterator[None]:
    """Says in which file of the recipe the SQL stands that an error is about."""
    try:
        yield
    except (SqlRefused, SqlInvalid, SqlFailed) as error:
        raise type(error)(f"{name}: {error.what}", error.why, error.fix or f"correct {name} of the recipe") from error


def stage(run: FrozenRun, stages: set[str], say: Say, progress: Progress) -> Facts:
    """Checks the source and staging.sql; writes the staging table where it is wanted on disk. Returns its facts.

    `stages` are all that the run will do: their need of disk is said first. Where the table is not wanted, its rows
    are computed within the features, and what the data say of it is found there.

    Raises ConfigError when the SQL does not give the columns that the contract names, DataError when the data
    breaks it: rows dropped or multiplied, null or repeated ids, too many labels out of bounds.
    """
    engine = engine_of(run, source=run.source.table)
    rows_in = engine.count(run.source.table)
    if rows_in == 0:
        raise DataError("the source is empty", "it has no rows", "give a source that has rows")
    stored = keeps_staging(run, stages)
    say(check_space(run, rows_in, stages if stored else stages - {"stage"}))
    sql = staging_sql(run.recipe, run.as_of, run.source.table, engine)
    if stored:
        return store(run, engine, sql, rows_in, progress)
    with in_file("staging.sql"):
        engine.check_created(sql, {"source": run.source.table})
    _mark(run, {"rows_in": rows_in, "files": []})
    say("staging.sql is computed within features (materialise = ephemeral)")
    return {"rows_in": rows_in, "staging": "ephemeral"}


def store(run: FrozenRun, engine: Engine, sql: str, rows_in: int, progress: Progress) -> Facts:
    """Writes the rows of staging_sql as the staging table and returns its facts."""
    target = run.workspace.table("staging", fingerprints(run).staging)
    with new_folder(target) as folder, in_file("staging.sql"):
        tables = {"source": run.source.table}
        written = engine.create(sql, tables, folder, ROW_GROUP_ROWS, lambda done: progress(done, rows_in))
        table = Table(tuple(str(folder / name) for name in written.files))
        check_rows("staging.sql", rows_in, written.rows)
        ids = check_ids(table, "id", folder, engine_memory(run, run.workers))
        check_identity(ids)
        facts: Facts = {"rows_in": rows_in, **_counts(engine, table, written.columns)}
        check_bounds(run, facts)
        more = {"rows": written.rows, "files": written.files, "ids": ids.checksum}
        mark_whole(folder, {"fingerprint": target.name, **more, **facts})
    run.workspace.set_current("staging", target.name)
    return {"rows": written.rows, "staging": "table", **facts}


def _mark(run: FrozenRun, facts: Facts) -> None:
    """Notes that the source and staging.sql were checked; no data are written."""
    target = run.workspace.table("staging", fingerprints(run).staging)
    with new_folder(target) as folder:
        mark_whole(folder, {"fingerprint": target.name, **facts})
    run.workspace.set_current("staging", target.name)


def staging_view(run: FrozenRun, engine: Engine, source: Table) -> tuple[View, Tally]:
    """The staging table of this source, or of a part of it, as a SELECT, and what will have counted its rows when a
    query has read it once."""
    sql = staging_sql(run.recipe, run.as_of, run.source.table, engine)
    tables = {"source": source}
    with in_file("staging.sql"):
        columns = engine.describe(sql, tables)
    tally = Tally(BASE_COLUMNS, ("known_label", OUTSIDE, *bad_columns(columns)))
    return View(sql, tuple(tables.items()), tally), tally


def staging_sql(recipe: Recipe, as_of: str, source: Table, engine: Engine) -> str:
    """staging.sql inside the wrapper that applies the recipe's bounds to the label. `as_of` is SQL."""
    inner = render(recipe.sql["staging"], {"source": "source", "as_of": as_of})
    with in_file("staging.sql"):
        columns = {column.name: column.type for column in engine.describe(inner, {"source": source})}
    for name in BASE_COLUMNS:
        if name not in columns:
            raise ConfigError(
                f"staging.sql gives no column {name}", f"it gives {', '.join(columns)}", f"SELECT ... AS {name}"
            )
    for name in columns:
        if not IDENTIFIER.match(name):
            raise ConfigError(f"staging.sql gives a column {name!r}", "a name is [a-z_][a-z0-9_]*", "rename it with AS")
    if OUTSIDE in columns:
        raise ConfigError(f"staging.sql gives a column {OUTSIDE}", "agecli adds one of that name", "rename it with AS")
    label = columns["known_label"].split("(")[0]
    if recipe.task == "regression" and label not in (*NUMBERS, "unknown"):
        raise ConfigError(f"known_label in staging.sql is {label}", "regression needs a number", "CAST it to double")
    known = "CAST(s.known_label AS double)" if recipe.task == "regression" else "CAST(s.known_label AS varchar)"
    inside = "TRUE"
    if recipe.task == "regression":
        limits = ["NOT is_nan(k.known_label)"]
        limits += [f"k.known_label >= {_double(recipe.bounds.lower)}"] if recipe.bounds.lower is not None else []
        limits += [f"k.known_label <= {_double(recipe.bounds.upper)}"] if recipe.bounds.upper is not None else []
        inside = " AND ".join(limits)
    rest = [name for name in columns if name not in BASE_COLUMNS]
    inner_rest = "".join(f', s."{name}"' for name in rest)  # quoted: a name may be a word of SQL
    outer = "".join(f', k."{name}"' for name in rest)
    return (
        f"SELECT k.id, CASE WHEN {inside} THEN k.known_label END AS known_label,\n"
        f" CASE WHEN k.known_label IS NOT NULL AND {inside} THEN k.label_source END AS label_source,\n"
        f" k.known_label IS NOT NULL AND NOT ({inside}) AS {OUTSIDE}{outer}\n"
        f"FROM (SELECT s.id, {known} AS known_label, CAST(s.label_source AS varchar) AS label_source"
        f"{inner_rest}\nFROM (\n{inner}\n) AS s) AS k"
    )


def _double(value: float) -> str:
    return f"CAST({float(value)!r} AS double)"


def check_rows(what: str, expected: int, found: int) -> None:
    """One row out per row in, or a DataError."""
    if found != expected:
        verb = "drops" if found < expected else "multiplies"
        raise DataError(
            f"{what} {verb} rows",
            f"{expected:,} rows in, {found:,} out",
            "one row out per row in: look at its WHERE and JOINs",
        )


def check_identity(ids: IdCheck) -> None:
    """Every row with an id of its own, or a DataError."""
    fix = "every row needs its own id: clean the source, or name another id in recipe.toml"
    if ids.nulls:
        raise DataError("rows without an id", f"{ids.nulls:,} of {ids.rows:,} ids are NULL", fix)
    if ids.repeated:
        raise DataError("rows with the same id", "repeated are " + ", ".join(map(str, ids.repeated)), fix)


def bad_columns(columns: Iterable[Column]) -> list[str]:
    """The columns whose rows are counted where they are true."""
    return [c.name for c in columns if c.name.startswith("bad_") and c.type == "boolean"]


def tallied(tally: Tally) -> Facts:
    """The same facts as those of a stored table."""
    counts = tally.counts
    bad = {name: count for name, count in counts.items() if name.startswith("bad_")}
    return {"labelled": counts["known_label"], "labels_outside": counts[OUTSIDE], "bad": bad}


def _counts(engine: Engine, table: Table, columns: tuple[Column, ...]) -> Facts:
    bad = bad_columns(columns)
    wanted = ["count(known_label)", f"count_if({OUTSIDE})", *(f'count_if("{name}")' for name in bad)]
    sql = "SELECT " + ", ".join(f"{expression} AS c{i}" for i, expression in enumerate(wanted)) + " FROM staging"
    (row,) = [row for batch in engine.read(sql, {"staging": table}) for row in batch.to_pylist()]
    known, outside, *rest = row.values()
    return {"labelled": known, "labels_outside": outside, "bad": dict(zip(bad, rest, strict=True))}


def check_bounds(run: FrozenRun, facts: Facts) -> None:
    """A DataError when too many labels are out of the recipe's bounds. `facts` say how many there are of each."""
    bounds, outside = run.recipe.bounds, facts["labels_outside"]
    given = facts["labelled"] + outside
    if given and outside / given > bounds.max_share_outside:
        raise DataError(
            f"too many labels out of bounds [{bounds.lower}, {bounds.upper}]",
            f"{outside:,} of {given:,} ({outside / given:.1%}; at most {bounds.max_share_outside:.1%})",
            "correct the source, or [bounds] in recipe.toml",
        )
