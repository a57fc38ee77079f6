"""`agecli status`: what a run did."""

from __future__ import annotations

import click

from agecli.cli import summary
from agecli.cli.group import command
from agecli.cli.history import find_run
from agecli.cli.options import current_session, output_option, with_settings
from agecli.config import Settings


@command("status")
@click.argument("run", required=False)
@output_option
@with_settings("workspace", "recipe", "period")
def status(settings: Settings, run: str | None, form: str) -> None:
    """Show the last run, or another one.

    RUN is a run's id or its beginning. JSON has the whole manifest; CSV and Markdown have the stages.

    \b
    Example:
      agecli status
      agecli status --output json
      agecli status 20261001
    """
    manifest = find_run(settings, run).manifest()
    if form == "table":
        print(summary.text(manifest, current_session()))
    else:
        summary.emit(manifest, form)
