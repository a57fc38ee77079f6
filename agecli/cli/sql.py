"""`agecli sql`: a query over what is in the workspace."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from agecli.cli import output
from agecli.cli.group import command
from agecli.cli.options import output_option, with_settings
from agecli.config import Settings
from agecli.errors import ConfigError, SqlInvalid

if TYPE_CHECKING:
    from agecli.engines.base import Relation

_TABLE_ROWS = 100
_LIMIT_HELP = f"Print at most N rows; 0 = all. [default: {_TABLE_ROWS} in table and markdown, all in json and csv]"


@command("sql")
@click.argument("query")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help=_LIMIT_HELP)
@output_option
@with_settings("workspace", "recipe", "period", "source", need_project=False)
def sql(settings: Settings, query: str, limit: int | None, form: str) -> None:
    """Query the workspace's tables in Athena's dialect.

    The tables are source, staging, features, predictions and results, as far as they are there; a staging table that
    is not stored is computed for the query. An expression that is not known to mean the same on Athena is refused.
    QUERY - reads from stdin.

    \b
    Example:
      agecli sql "SELECT source, COUNT(*) AS people FROM results GROUP BY source"
      agecli sql "SELECT * FROM results WHERE confidence > 0.9" --output csv > sure.csv
    """
    from agecli.engines import open_engine

    text = sys.stdin.buffer.read().decode("utf-8", "replace") if query == "-" else query
    tables = _tables(settings, text)
    engine = open_engine("duckdb")
    try:
        columns = [column.name for column in engine.describe(text, tables)]
    except SqlInvalid as error:
        raise _not_made_yet(settings, error) or error from None
    told = output.named if form == "json" else dict
    rows = (told(row) for batch in engine.read(text, tables) for row in batch.to_pylist())
    most = _TABLE_ROWS if limit is None and form in ("table", "markdown") else limit or None
    shown = itertools.islice(rows, most)
    output.emit(shown, columns, form, missing="NULL")
    if limit is None and most is not None and next(rows, None) is not None:
        click.echo(f"the first {most} rows; --limit 0 prints all", err=True)


def _not_made_yet(settings: Settings, error: SqlInvalid) -> ConfigError | None:
    """The error for SQL that names a table which no run has made yet; None where something else is wrong."""
    from agecli.workspace import TABLES

    name = error.why.partition(" is not among: ")[0].lower()
    if settings["period"] is None or name not in (*TABLES, "predictions"):
        return None
    why = f"no run has made this table for {settings['period']}"
    return ConfigError(f"no {name} yet", why, "agecli run --all")


def _tables(settings: Settings, query: str) -> Mapping[str, Relation]:
    """The tables of the project, none where there is no project."""
    from agecli.pipeline.tables import workspace_relations

    return {} if settings["period"] is None else workspace_relations(settings, query)
