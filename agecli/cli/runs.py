"""`agecli runs`: what has run in this workspace."""

from __future__ import annotations

import click

from agecli.cli import output
from agecli.cli.board import day_and_clock
from agecli.cli.group import command
from agecli.cli.history import past_runs
from agecli.cli.options import output_option, with_settings
from agecli.config import Settings

COLUMNS = ("run_id", "state", "recipe", "period", "started_at", "seconds", "rows_in", "rows_out")


@command("runs")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Only the last so many.")
@output_option
@with_settings("workspace", "recipe", "period")
def runs(settings: Settings, limit: int, form: str) -> None:
    """List all runs of the workspace.

    \b
    Example:
      agecli runs
      agecli runs --recipe profiles --output json
    """
    rows = [run.manifest().to_json() for run in past_runs(settings)[-limit:]]
    if form == "table":
        rows = [{**row, "started_at": day_and_clock(row["started_at"])} for row in rows]
    output.emit(rows, COLUMNS, form)
