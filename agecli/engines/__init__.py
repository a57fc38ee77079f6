"""Engines that run a recipe's SQL: one contract (`base`), DuckDB in this process, Athena on AWS.

    from agecli.engines import SqlRefused, open_engine

    open_engine("duckdb").query("SELECT typeof(1 / 2)")       # a pyarrow Table

SQL is in Athena's dialect. What is not known to mean the same on every engine raises `SqlRefused`, by name and before
anything runs, or while it runs where only the data can tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agecli.engines.base import Engine
from agecli.errors import ConfigError, SqlRefused

if TYPE_CHECKING:
    from agecli.engines.duckdb import DuckDBEngine


def open_engine(
    name: str = "duckdb",
    *,
    threads: int | None = None,
    memory_mb: int | None = None,
    temp_directory: str | Path | None = None,
) -> DuckDBEngine:
    """The engine of that name. `memory_mb` bounds its memory; what does not fit spills to `temp_directory`."""
    if name != "duckdb":
        raise ConfigError("no such engine", f"{name!r} is not among: duckdb", "use duckdb")
    from agecli.engines.duckdb import DuckDBEngine

    return DuckDBEngine(threads, memory_mb, temp_directory)


__all__ = ["Engine", "SqlRefused", "open_engine"]
