"""The `features` stage: the one definition of every feature, for training rows and prediction rows alike.

One process makes them all, or several make a part each and one of them looks at the whole (`agecli.pipeline.parts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agecli.engines import Engine
from agecli.engines.base import Layout, Relation, Table, Written
from agecli.engines.ids import IdCheck, check_ids, checksum
from agecli.engines.tally import Tally
from agecli.errors import ConfigError, DataError, SqlFailed, SqlRefused
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import fingerprints, row_group_rows, staged
from agecli.pipeline.parts import NotInParts, Part, file_groups
from agecli.pipeline.staging import (
    NUMBERS,
    STAGED,
    check_bounds,
    check_identity,
    check_rows,
    in_file,
    staging_sql,
    staging_view,
    store,
    tallied,
)
from agecli.pipeline.tables import Facts, Progress, Say, engine_memory, engine_of, staging_table
from agecli.recipe import BASE_COLUMNS, Recipe, render
from agecli.workspace import mark_whole, new_folder

COMPILED = "compiled code computed the rows"


class _Unclear(Exception):
    """Something is wrong with the rows; which of the two SQL files is to blame, a stored staging table will tell."""


def features(run: FrozenRun, progress: Progress, say: Say) -> Facts:
    """Writes the feature table: id, known_label, label_source, then the recipe's features in its order.

    Numeric features are stored as real (a model's numbers are 32 bits wide), categorical ones as varchar.
    Raises ConfigError when features.sql and the recipe's list differ, DataError when it drops or multiplies rows;
    where the staging table is not stored, also what storing it would raise.
    """
    engine = engine_of(run, source=run.source.table)
    known, facts, way = staged(run, stored=False), None, "ephemeral"
    if known is not None and not known["files"]:
        facts = _from_view(run, engine, known["rows_in"], progress, say)
        if facts is None:
            sql = staging_sql(run.recipe, run.as_of, run.source.table, engine)
            store(run, engine, sql, known["rows_in"], progress)
    if facts is None:
        facts, way = _from_table(run, engine, progress, say), "table"
    run.workspace.set_current("features", fingerprints(run).features)
    return {**facts, "staging": way}


def _from_view(run: FrozenRun, engine: Engine, rows: int, progress: Progress, say: Say) -> Facts | None:
    """Staging and features in one pass; None where only a stored staging table will do, or will tell what is wrong."""
    sql, tables, tally, why = _in_one_pass(run, engine, run.source.table)
    if why:
        say(f"the staging table is stored: {why}")
        return None
    try:
        with new_folder(run.workspace.table("features", fingerprints(run).features)) as folder:
            try:
                written = _write(run, engine, sql, tables, folder, rows, progress)
            except (SqlFailed, SqlRefused, DataError) as error:
                raise _Unclear from error
            return _check(run, folder, rows, written, tally, say)
    except _Unclear:
        say("the staging table is stored to find out what is wrong")
        return None


def _in_one_pass(run: FrozenRun, engine: Engine, source: Table) -> tuple[str, dict[str, Relation], Tally, str]:
    """The SELECT of the features over a view of the source's staging, its tables, what will count the rows, and why
    the staging table is to be stored, if it is."""
    view, tally = staging_view(run, engine, source)
    tables: dict[str, Relation] = {"staging": view, "source": source}
    sql = features_sql(run, engine, tables)
    with in_file("features.sql"):
        engine.check_created(sql, tables)
        return sql, tables, tally, engine.why_stored(sql, tables, "staging")


def _write(
    run: FrozenRun, engine: Engine, sql: str, tables: Mapping[str, Relation], folder: Path, rows: int,
    progress: Progress, first_file: int = 0,
) -> Written:  # fmt: skip
    group_rows = row_group_rows(run)
    layout = Layout(("id",), file_groups(rows, group_rows), quick=True, first_file=first_file)
    return engine.create(sql, tables, folder, group_rows, lambda done: progress(done, rows), layout)


def _check(run: FrozenRun, folder: Path, rows: int, written: Written, tally: Tally, say: Say) -> Facts:
    """Holds what was written against what was counted meanwhile; raises _Unclear where they differ."""
    ids = _check_ids(run, folder, written, ("id",) if tally.proven else BASE_COLUMNS)
    if not rows == tally.rows == written.rows or not (tally.proven or ids.rows_checksum == tally.checksum):
        raise _Unclear
    check_identity(ids)
    facts: Facts = {"rows_in": rows, **tallied(tally)}
    check_bounds(run, facts)
    return _finish(run, folder, written, ids, facts, say)


def features_part(run: FrozenRun, part: Part, rows: int, folder: Path, progress: Progress) -> Facts:
    """Writes the files of a part of the feature table, of so many rows in all, and tells what `features_whole` needs.

    Raises NotInParts where the SQL or the data ask for the table to be made in one piece, or where an error is
    better told by that.
    """
    engine = engine_of(run, 1, f"-{part.file}", run.source.table)
    try:
        source = replace(run.source.table, rows=(part.first, part.last))
        sql, tables, tally, why = _in_one_pass(run, engine, source)
        if why or not engine.by_row(sql, tables):
            raise NotInParts("the features are made in one piece", why or "the order of rows shows in them")
        written = _write(run, engine, sql, tables, folder, rows, progress, part.file)
    except (ConfigError, DataError) as error:
        raise NotInParts(error.what, error.why) from error
    if not part.last - part.first == tally.rows == written.rows:
        raise NotInParts("the features are made in one piece", "rows are lost or doubled")
    told = {"files": written.files, "rows": written.rows, "nulls": written.nulls, "infinite": sorted(written.infinite),
            "by_engine": written.by_engine}  # fmt: skip
    return {**told, "columns": tally.columns, "tally": tally.told()}


def features_whole(run: FrozenRun, folder: Path, parts: Sequence[Facts], say: Say) -> Facts:
    """Looks at the feature table whose parts told these facts, in their order, and marks it as whole.

    Raises NotInParts where rows and counts differ, and otherwise what `features` raises.
    """
    tally = Tally(BASE_COLUMNS, tuple(parts[0]["columns"]))
    for part in parts:
        tally.include(part["tally"])
    written = Written(
        tuple(name for part in parts for name in part["files"]),
        sum(part["rows"] for part in parts),
        nulls={name: sum(part["nulls"][name] for part in parts) for name in parts[0]["nulls"]},
        infinite=frozenset(name for part in parts for name in part["infinite"]),
        by_engine=next(filter(None, (part["by_engine"] for part in parts)), ""),
    )
    try:
        return _check(run, folder, written.rows, written, tally, say)
    except _Unclear:
        raise NotInParts("the features are made in one piece", "their ids or labels are not those of staging") from None


def _from_table(run: FrozenRun, engine: Engine, progress: Progress, say: Say) -> Facts:
    """The features of a stored staging table."""
    staging, before = staging_table(run), staged(run, stored=True) or {}
    tables: dict[str, Relation] = {"staging": staging, "source": run.source.table}
    sql = features_sql(run, engine, tables)
    rows = before["rows_in"]
    with (
        new_folder(run.workspace.table("features", fingerprints(run).features)) as folder,
        in_file("features.sql"),
    ):
        written = _write(run, engine, sql, tables, folder, rows, progress)
        check_rows("features.sql", rows, written.rows)
        ids = _check_ids(run, folder, written, BASE_COLUMNS)
        memory = engine_memory(run, run.workers)
        if ids.rows_checksum != checksum(staging, BASE_COLUMNS, memory):
            if ids.checksum != checksum(staging, ["id"], memory):
                why = "they differ from those of staging"
                raise DataError("features.sql changes the ids", why, "SELECT id unchanged")
            why = "known_label or label_source differ from those of staging"
            raise DataError("features.sql changes the labels", why, "SELECT known_label, label_source unchanged")
        return _finish(run, folder, written, ids, {key: before[key] for key in STAGED}, say)


def _check_ids(run: FrozenRun, folder: Path, written: Written, columns: Sequence[str]) -> IdCheck:
    table = Table(tuple(str(folder / name) for name in written.files))
    return check_ids(table, "id", folder, engine_memory(run, run.workers), columns)


def _finish(run: FrozenRun, folder: Path, written: Written, ids: IdCheck, staged: Facts, say: Say) -> Facts:
    """Marks the table as whole; its facts are its rows and what is known of its staging."""
    warnings = _check_values(run.recipe, written)
    facts: Facts = {"rows": written.rows, **staged, "warnings": warnings}
    fingerprint = fingerprints(run).features
    marker = {"fingerprint": fingerprint, "files": written.files, "ids": ids.checksum, **facts}
    mark_whole(folder, marker)
    say(f"the embedded engine computed the rows: {written.by_engine}" if written.by_engine else COMPILED)
    return facts


def features_sql(run: FrozenRun, engine: Engine, tables: Mapping[str, Relation]) -> str:
    """features.sql inside the wrapper that fixes the order and the types of its columns."""
    recipe = run.recipe
    inner = render(recipe.sql["features"], {"staging": "staging", "source": "source", "as_of": run.as_of})
    with in_file("features.sql"):
        types = {column.name: column.type for column in engine.describe(inner, tables)}
    _check_columns(recipe, types, run.overrides)
    columns = [f"f.{name}" for name in BASE_COLUMNS]
    columns += [
        f'CAST(f."{name}" AS {"real" if kind == "numeric" else "varchar"}) AS "{name}"'
        for name, kind in recipe.features.items()
    ]
    return f"SELECT {', '.join(columns)}\nFROM (\n{inner}\n) AS f"


def _check_columns(recipe: Recipe, types: dict[str, str], overrides: Mapping[str, Any]) -> None:
    wanted = [*BASE_COLUMNS, *recipe.features]
    missing = [name for name in wanted if name not in types]
    extra = [name for name in types if name not in wanted]
    if missing or extra:
        parts = [f"missing {', '.join(missing)}"] * bool(missing) + [f"not listed {', '.join(extra)}"] * bool(extra)
        raise ConfigError(
            "features.sql and [features] of recipe.toml differ", "; ".join(parts), "make the SQL and the list agree"
        )
    for name, kind in recipe.features.items():
        base = types[name].split("(")[0]
        numbers, words = (*NUMBERS, "boolean"), ("varchar", "char")
        # who asks for a number as a category for one run means the number's text
        fitting = numbers if kind == "numeric" else (*words, *numbers) if f"features.{name}" in overrides else words
        if base not in (*fitting, "unknown"):
            raise ConfigError(
                f"feature {name} is {types[name]}", f"{kind} is what recipe.toml says", "CAST it, or correct its kind"
            )


def _check_values(recipe: Recipe, written: Written) -> list[str]:
    """A feature that is NULL in every row is a mistake upstream; infinite values are warned of."""
    empty = [name for name in recipe.features if written.nulls[name] == written.rows]
    if empty:
        raise DataError(
            f"no value in feature {', '.join(empty)}", f"it is NULL in all {written.rows:,} rows",
            "mend the SQL or the source, or take it out of features.sql and recipe.toml",
        )  # fmt: skip
    return [
        f"feature {name} has values that are infinite, or too large for 32 bits (3.4e38): they count as missing"
        for name in recipe.features
        if name in written.infinite
    ]
