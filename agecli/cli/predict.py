"""`agecli predict`: one stage of the pipeline, or single batches of it."""

from __future__ import annotations

import click

from agecli.cli.group import command
from agecli.cli.options import output_option, place_option, stage_options, with_settings
from agecli.cli.running import run_stages
from agecli.config import Settings


@command("predict")
@click.option("--batch", "batches", type=click.IntRange(min=0), multiple=True, metavar="N", help="Only this batch.")
@click.option("--failed", is_flag=True, help="Only batches that failed or are missing.")
@stage_options
@place_option
@output_option
@with_settings()
def predict(
    settings: Settings,
    batches: tuple[int, ...],
    failed: bool,
    force: bool,
    dry_run: bool,
    place: str,
    form: str,
) -> None:
    """Score the batches that are missing or stale.

    Batches run side by side in worker processes, each streamed. Finished ones are kept when others fail.

    \b
    Example:
      agecli predict
      agecli predict --workers 4 --memory 8GiB
      agecli predict --batch 3 --batch 17
      agecli predict --failed
    """
    if batches and failed:
        raise click.UsageError("--batch and --failed contradict each other")
    run_stages(
        settings,
        ("predict",),
        place=place,
        force=force,
        dry_run=dry_run,
        form=form,
        batches=tuple(sorted(set(batches))),
        failed=failed,
    )
