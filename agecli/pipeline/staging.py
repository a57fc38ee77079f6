"""The `stage` stage: source rows to typed Parquet by the recipe's staging.sql, one row out per row in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from agecli.engines import Engine
from agecli.engines.base import Column, Table
from agecli.engines.ids import IdCheck, check_ids
from agecli.errors import ConfigError, DataError, SqlFailed, SqlInvalid, SqlRefused
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import ROW_GROUP_ROWS, fingerprints
from agecli.pipeline.space import check_space
from agecli.pipeline.tables import Facts, Progress, engine_memory, engine_of
from agecli.recipe import BASE_COLUMNS, IDENTIFIER, render
from agecli.workspace import mark_whole, new_folder

OUTSIDE = "label_outside"  # the column that says whose label was out of bounds
NUMBERS = ("tinyint", "smallint", "integer", "bigint", "real", "double", "decimal")


@contextlib.contextmanager
def in_file(name: str) -> Iterator[None]:
    """Says in which file of the recipe the SQL stands that an error is about."""
    try:
        yield
    except (SqlRefused, SqlInvalid, SqlFailed) as error:
        raise type(error)(f"{name}: {error.what}", error.why, error.fix or f"correct {name} of the recipe") from error


def stage(run: FrozenRun, stages: set[str], say: Callable[[str], None], progress: Progress) -> Facts:
    """Writes the staging table and returns its facts. `stages` are all that the run will do: their need of disk is
    said first.

    Raises ConfigError when the SQL does not give the columns that the contract names, DataError when the data
    breaks it: rows dropped or multiplied, null or repeated ids, too many labels out of bounds.
    """
    tables = {"source": run.source.table}
    engine = engine_of(run)
    rows_in = engine.count(run.source.table)
    if rows_in == 0:
        raise DataError("the source is empty", "it has no rows", "give a source that has rows")
    say(check_space(run, rows_in, stages))
    sql = staging_sql(run, engine)
    fingerprint = fingerprints(run).staging
    target = run.workspace.table("staging", fingerprint)
    with new_folder(target) as folder, in_file("staging.sql"):
        written = engine.create(sql, tables, folder, ROW_GROUP_ROWS, lambda done: progress(done, rows_in))
        table = Table(tuple(str(folder / name) for name in written.files))
        check_rows("staging.sql", rows_in, written.rows)
        ids = check_ids(table, "id", folder, engine_memory(run, run.workers))
        _check_identity(ids)
        facts: Facts = {"rows_in": rows_in, "ids": ids.checksum, **_counts(engine, table, written.columns)}
        _check_bounds(run, facts)
        mark_whole(folder, {"fingerprint": fingerprint, "rows": written.rows, "files": written.files, **facts})
    run.workspace.set_current("staging", fingerprint)
    return {"rows": written.rows, **facts}


def staging_sql(run: FrozenRun, engine: Engine) -> str:
    """staging.sql inside the wrapper that applies the recipe's bounds to the label."""
    recipe = run.recipe
    inner = render(recipe.sql["staging"], {"source": "source", "as_of": run.as_of})
    with in_file("staging.sql"):
        columns = {column.name: column.type for column in engine.describe(inner, {"source": run.source.table})}
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


def _check_identity(ids: IdCheck) -> None:
    fix = "every row needs its own id: clean the source, or name another id in recipe.toml"
    if ids.nulls:
        raise DataError("rows without an id", f"{ids.nulls:,} of {ids.rows:,} ids are NULL", fix)
    if ids.repeated:
        raise DataError("rows with the same id", "repeated are " + ", ".join(map(str, ids.repeated)), fix)


def _counts(engine: Engine, table: Table, columns: tuple[Column, ...]) -> Facts:
    bad = [c.name for c in columns if c.name.startswith("bad_") and c.type == "boolean"]
    wanted = ["count(known_label)", f"count_if({OUTSIDE})", *(f'count_if("{name}")' for name in bad)]
    sql = "SELECT " + ", ".join(f"{expression} AS c{i}" for i, expression in enumerate(wanted)) + " FROM staging"
    (row,) = [row for batch in engine.read(sql, {"staging": table}) for row in batch.to_pylist()]
    known, outside, *rest = row.values()
    return {"labelled": known, "labels_outside": outside, "bad": dict(zip(bad, rest, strict=True))}


def _check_bounds(run: FrozenRun, facts: Facts) -> None:
    bounds, outside = run.recipe.bounds, facts["labels_outside"]
    given = facts["labelled"] + outside
    if given and outside / given > bounds.max_share_outside:
        raise DataError(
            f"too many labels out of bounds [{bounds.lower}, {bounds.upper}]",
            f"{outside:,} of {given:,} ({outside / given:.1%}; at most {bounds.max_share_outside:.1%})",
            "correct the source, or [bounds] in recipe.toml",
        )
