"""The workspace's tables as an engine reads them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agecli import recipe as recipes
from agecli.config import Settings
from agecli.engines import Engine, open_engine
from agecli.engines.base import Relation, Table, View
from agecli.errors import AgecliError, ConfigError
from agecli.models.spec import check_params
from agecli.pipeline import source
from agecli.pipeline.frozen import FrozenRun, as_of_sql
from agecli.pipeline.graph import fingerprints
from agecli.workspace import MARKER, TABLES, TEMPORARY, Workspace

Facts = dict[str, Any]
Progress = Callable[[int, int], None]  # rows done, rows in all
Say = Callable[[str], None]


def table_at(workspace: Workspace, name: str, fingerprint: str) -> Table:
    """A whole table; raises ConfigError when it is not there."""
    facts = workspace.facts(name, fingerprint)
    if facts is None or not facts["files"]:
        raise ConfigError(f"no {name} table", "it was not made yet, or was cleaned up", "agecli run --all")
    folder = workspace.table(name, fingerprint)
    return Table(tuple(str(folder / file) for file in facts["files"]))


# The engine's own limit governs how far its threads read ahead; what it hands over (Arrow, text for functions)
# comes on top and does not grow. Given more, it takes more, and peak memory would wander with the rows.
ENGINE_SHARE = 16
BYTES_PER_THREAD = 128 << 20
GROUPS_HELD = 2  # the row group that is read, and what is unpacked of it


def engine_of(run: FrozenRun, threads: int | None = None, part: str = "", source: Table | None = None) -> Engine:
    """The embedded engine within this run's memory; what does not fit spills into the run's folder. The engine of a
    `part` shares the memory with those of the others, and has a place of its own to spill to. One that reads the
    `source` may hold row groups of it, which are as large as who wrote them made them."""
    threads = threads or run.workers
    memory = engine_memory(run, threads)
    if part:
        memory = max(memory // run.workers, BYTES_PER_THREAD >> 20)
    if source is not None:
        from agecli.engines.tables import largest_row_group  # brings Arrow, which the executor does without

        most = run.memory // (run.workers if part else 1) >> 20
        memory = max(memory, min(memory + (threads * GROUPS_HELD * largest_row_group(source) >> 20), most))
    return open_engine(
        "duckdb", threads=threads, memory_mb=memory, temp_directory=run.folder / f"{TEMPORARY}spill{part}"
    )


def engine_memory(run: FrozenRun, threads: int) -> int:
    """The engine's limit in MB."""
    return min(max(run.memory // ENGINE_SHARE, threads * BYTES_PER_THREAD), run.memory) >> 20


def staging_table(run: FrozenRun) -> Table:
    """The whole staging table of this run."""
    return table_at(run.workspace, "staging", fingerprints(run).staging)


def features_table(run: FrozenRun) -> Table:
    """The whole feature table of this run."""
    return table_at(run.workspace, "features", fingerprints(run).features)


def open_workspace(settings: Settings) -> tuple[Workspace, recipes.Recipe]:
    """The workspace and the recipe that these settings name."""
    recipe = recipes.load(recipes.locate(settings["recipe"], settings.project), settings.recipe_values())
    check_params(recipe.model)
    period = settings["period"]
    if period is None:
        raise ConfigError("no period", "neither agecli.toml nor a flag gives one", "--period 2026Q3")
    recipes.as_of(period)
    return Workspace(settings["workspace"], recipe.name, period), recipe


def reason_columns(count: int) -> list[str]:
    """The names of the columns with reasons."""
    return [f"reason_{number}" for number in range(1, count + 1)]


def workspace_tables(settings: Settings) -> dict[str, Table]:
    """All tables that are there now, by the names that SQL may use: source, staging, features, predictions, results."""
    workspace, recipe = open_workspace(settings)
    found: dict[str, Table] = {}
    path = source_path(settings, workspace, recipe)
    if path is not None:
        with contextlib.suppress(AgecliError):  # a source that is not there leaves the other tables to be asked
            found["source"] = source.find_table(recipe, path)
    for name in TABLES:
        fingerprint = workspace.current(name)
        facts = workspace.facts(name, fingerprint) if fingerprint is not None else None
        if fingerprint is not None and facts is not None and facts["files"]:
            found[name] = table_at(workspace, name, fingerprint)
    batches = _live_predictions(workspace)
    if batches:
        found["predictions"] = Table(batches)
    return found


def workspace_relations(settings: Settings, sql: str) -> dict[str, Relation]:
    """The same for one query: where it mentions staging, and no table of that is stored, a view that computes it."""
    from agecli.pipeline.staging import staging_sql

    found: dict[str, Relation] = dict(workspace_tables(settings))
    workspace, recipe = open_workspace(settings)
    checked = workspace.current("staging") is not None  # by a run, or by `agecli stage`
    source = found.get("source")
    if checked and isinstance(source, Table) and "staging" not in found and re.search(r"\bstaging\b", sql, re.I):
        view = staging_sql(recipe, as_of_sql(workspace.period), source, open_engine())
        found["staging"] = View(view, (("source", source),))
    return found


def _live_predictions(workspace: Workspace) -> tuple[str, ...]:
    fingerprint = workspace.current("results")
    facts = workspace.facts("results", fingerprint) if fingerprint else None
    folder = workspace.predictions(facts["plan"]) if facts else None
    return tuple(sorted(map(str, folder.glob("batch-*.parquet")))) if folder and folder.is_dir() else ()


def generated(path: Path) -> bool:
    """Are all rows of a generated source there? Its marker is written last."""
    return (path / MARKER).is_file()


def source_path(settings: Settings, workspace: Workspace, recipe: recipes.Recipe) -> Path | None:
    """Where the source is: the setting, else where the recipe's generator puts its rows, else None."""
    if settings["source"] is not None:
        return Path(settings["source"])
    if recipe.source_generator is None:
        return None
    name = f"{recipe.source_generator}-{settings['synth_rows']}-rows-seed-{settings['synth_seed']}"
    return workspace.root / recipe.name / "generated" / name
