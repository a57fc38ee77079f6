"""The `features` stage: the one definition of every feature, for training rows and prediction rows alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from agecli.engines import Engine
from agecli.engines.base import Table
from agecli.engines.ids import check_ids, checksum, rows_checksum
from agecli.errors import ConfigError, DataError
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import fingerprints, row_group_rows
from agecli.pipeline.staging import NUMBERS, check_rows, in_file
from agecli.pipeline.tables import Facts, Progress, engine_memory, engine_of, staging_table
from agecli.recipe import BASE_COLUMNS, Recipe, render
from agecli.workspace import mark_whole, new_folder


def features(run: FrozenRun, progress: Progress) -> Facts:
    """Writes the feature table: id, known_label, label_source, then the recipe's features in its order.

    Numeric features are stored as real (a model's numbers are 32 bits wide), categorical ones as varchar.
    Raises ConfigError when features.sql and the recipe's list differ, DataError when it drops or multiplies rows.
    """
    engine = engine_of(run)
    staging = staging_table(run)
    tables = {"staging": staging, "source": run.source.table}
    sql = features_sql(run, engine, tables)
    prints = fingerprints(run)
    before = run.workspace.facts("staging", prints.staging) or {}
    target = run.workspace.table("features", prints.features)
    with new_folder(target) as folder, in_file("features.sql"):
        written = engine.create(sql, tables, folder, row_group_rows(run), lambda done: progress(done, before["rows"]))
        check_rows("features.sql", before["rows"], written.rows)
        memory = engine_memory(run, run.workers)
        made = Table(tuple(str(folder / name) for name in written.files))
        ids = check_ids(made, "id", folder, memory)
        if ids.nulls or ids.repeated or ids.checksum != checksum(staging, "id", memory):
            raise DataError("features.sql changes the ids", "they differ from those of staging", "SELECT id unchanged")
        if rows_checksum(made, BASE_COLUMNS, memory) != rows_checksum(staging, BASE_COLUMNS, memory):
            why = "known_label or label_source differ from those of staging"
            raise DataError("features.sql changes the labels", why, "SELECT known_label, label_source unchanged")
        _check_filled(run.recipe, [folder / name for name in written.files])
        facts: Facts = {"rows": written.rows, "labelled": before["labelled"]}
        mark_whole(folder, {"fingerprint": prints.features, "files": written.files, "ids": ids.checksum, **facts})
    run.workspace.set_current("features", prints.features)
    return facts


def features_sql(run: FrozenRun, engine: Engine, tables: dict[str, Table]) -> str:
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


def _check_filled(recipe: Recipe, files: list[Path]) -> None:
    """A feature that is NULL in every row is a mistake upstream; the footers tell."""
    nulls = dict.fromkeys(recipe.features, 0)
    rows = 0
    for file in files:
        footer = pq.read_metadata(file)
        rows += footer.num_rows
        for group in range(footer.num_row_groups):
            for index in range(footer.num_columns):
                chunk = footer.row_group(group).column(index)
                if chunk.path_in_schema in nulls and chunk.statistics is not None:
                    nulls[chunk.path_in_schema] += chunk.statistics.null_count or 0
    empty = [name for name, count in nulls.items() if count == rows]
    if empty:
        raise DataError(
            f"no value in feature {', '.join(empty)}", f"it is NULL in all {rows:,} rows",
            "mend the SQL or the source, or take it out of features.sql and recipe.toml",
        )  # fmt: skip
