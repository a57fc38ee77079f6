"""`agecli train`: one stage of the pipeline."""

from __future__ import annotations

from agecli.cli.group import command
from agecli.cli.options import output_option, place_option, stage_options, with_settings
from agecli.cli.running import run_stages
from agecli.config import Settings


@command("train")
@stage_options
@place_option
@output_option
@with_settings()
def train(settings: Settings, force: bool, dry_run: bool, place: str, form: str) -> None:
    """Train the model and measure it.

    Baseline, point model, spread model and conformal interval, measured on rows that no model saw.

    \b
    Example:
      agecli train
      agecli train --force --seed 7
      agecli train --max-train-rows 500000
      agecli train --param max_depth=8 --param eta=0.3
      agecli train --features career_years,skills,job_level
    """
    run_stages(settings, ("train",), place=place, force=force, dry_run=dry_run, form=form)
