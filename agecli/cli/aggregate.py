"""`agecli aggregate`: one stage of the pipeline."""

from __future__ import annotations

from agecli.cli.group import command
from agecli.cli.options import (
    output_option,
    place_option,
    publish_options,
    reason_to_publish,
    stage_options,
    with_settings,
)
from agecli.cli.running import run_stages
from agecli.config import Settings


@command("aggregate")
@stage_options
@publish_options
@place_option
@output_option
@with_settings()
def aggregate(
    settings: Settings, force: bool, dry_run: bool, publish_anyway: bool, reason: str | None, place: str, form: str
) -> None:
    """Join all predictions into the results.

    Runs the recipe's results.sql: one row per source row, known, predicted or default. Rows of failed batches get
    the default.

    \b
    Example:
      agecli aggregate
      agecli aggregate --force
      agecli aggregate --publish-anyway --reason "the vendor's new file"
    """
    why = reason_to_publish(publish_anyway, reason)
    run_stages(settings, ("aggregate",), place=place, force=force, dry_run=dry_run, form=form, publish_anyway=why)
