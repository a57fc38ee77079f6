"""`agecli stage`: one stage of the pipeline."""

from __future__ import annotations

from agecli.cli.group import command
from agecli.cli.options import output_option, place_option, stage_options, with_settings
from agecli.cli.running import run_stages
from agecli.config import Settings


@command("stage")
@stage_options
@place_option
@output_option
@with_settings()
def stage(settings: Settings, force: bool, dry_run: bool, place: str, form: str) -> None:
    """Read the source into the staging table.

    Runs the recipe's staging.sql: one row out per source row, malformed values as NULL and counted.

    \b
    Example:
      agecli stage
      agecli stage --source 'data/*.parquet'
    """
    run_stages(settings, ("stage",), place=place, force=force, dry_run=dry_run, form=form)
