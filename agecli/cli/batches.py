"""`agecli batches`: one stage of the pipeline."""

from __future__ import annotations

from agecli.cli.group import command
from agecli.cli.options import output_option, place_option, stage_options, with_settings
from agecli.cli.running import run_stages
from agecli.config import Settings


@command("batches")
@stage_options
@place_option
@output_option
@with_settings()
def batches(settings: Settings, force: bool, dry_run: bool, place: str, form: str) -> None:
    """Divide the feature table into batches.

    Reads only the footers of its files; a batch is a list of row groups.

    \b
    Example:
      agecli batches
      agecli batches --batch-rows 100000
    """
    run_stages(settings, ("batches",), place=place, force=force, dry_run=dry_run, form=form)
