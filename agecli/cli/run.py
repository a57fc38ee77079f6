"""`agecli run`: the pipeline, or a stretch of it."""

from __future__ import annotations

import click

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
from agecli.events import STAGES


@command("run")
@click.option("--all", "everything", is_flag=True, help="All stages, which is also the default.")
@click.option("--from", "first", type=click.Choice(STAGES), help="Begin with this stage.")
@click.option("--to", "last", type=click.Choice(STAGES), help="End with this stage.")
@stage_options
@publish_options
@place_option
@output_option
@with_settings()
def run(
    settings: Settings,
    everything: bool,
    first: str | None,
    last: str | None,
    force: bool,
    dry_run: bool,
    publish_anyway: bool,
    reason: str | None,
    place: str,
    form: str,
) -> None:
    """Run the pipeline; what is fresh is skipped.

    A run that was interrupted goes on when it is run again. Nothing is overwritten: the last good results stay
    until the new ones are whole.

    \b
    Example:
      agecli run --all                      everything that is not fresh
      agecli run --all --dry-run            what that would be, and why
      agecli run --from train --force       train again, and all below it
      agecli run --all --period 2026Q2 --workers 1 --memory 2GiB
      agecli run --all --param max_depth=8 --param eta=0.3 --set bounds.upper=90
      agecli run --all --model production   with the registered model instead of the one trained
      agecli run --on aws --max-usd 5       not at all, if it may cost more (exit code 5)
      agecli run --publish-anyway --reason "the vendor's new file"
    """
    if everything and (first or last):
        raise click.UsageError("--all and --from or --to contradict each other")
    start, end = STAGES.index(first or STAGES[0]), STAGES.index(last or STAGES[-1])
    if start > end:
        raise click.UsageError(f"{first} comes after {last}: " + " ".join(STAGES))
    run_stages(
        settings,
        STAGES[start : end + 1],
        place=place,
        force=force,
        dry_run=dry_run,
        form=form,
        publish_anyway=reason_to_publish(publish_anyway, reason),
    )
