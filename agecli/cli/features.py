"""`agecli features`: one stage of the pipeline."""

from __future__ import annotations

from agecli.cli.group import command
from agecli.cli.options import output_option, place_option, stage_options, with_settings
from agecli.cli.running import run_stages
from agecli.config import Settings


@command("features")
@stage_options
@place_option
@output_option
@with_settings()
def features(settings: Settings, force: bool, dry_run: bool, place: str, form: str) -> None:
    """Compute the features of every row.

    Runs the recipe's features.sql over the staging table, for known and unknown rows alike.

    \b
    Example:
      agecli features
      agecli features --dry-run
    """
    run_stages(settings, ("features",), place=place, force=force, dry_run=dry_run, form=form)
