"""`agecli cleanup`: the last stage of the pipeline, and the one that asks first."""

from __future__ import annotations

import sys

import click

from agecli.cli import output
from agecli.cli.board import plural, size
from agecli.cli.group import command
from agecli.cli.options import output_option, with_settings
from agecli.config import Settings
from agecli.workspace import Lock


@command("cleanup")
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask. Without a terminal nothing is asked.")
@output_option
@with_settings("workspace", "recipe", "period")
def cleanup(settings: Settings, dry_run: bool, yes: bool, form: str) -> None:
    """Remove what later runs do not need.

    Intermediate and superseded files go, results and models stay. What will be removed is listed first.

    \b
    Example:
      agecli cleanup --dry-run
      agecli cleanup --yes
    """
    from agecli.pipeline.cleanup import removable, remove

    items = removable(settings)
    rows = [{"path": str(item.path), "bytes": item.bytes, "why": item.why} for item in items]
    output.emit(rows, ("path", "bytes", "why"), form)
    if dry_run or not items:
        return
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm(
            f"Remove {plural(len(items), 'item')}, {size(sum(i.bytes for i in items))}?", abort=True, err=True
        )
    lock = Lock(settings["workspace"])
    lock.acquire("cleanup")
    try:
        freed = remove(items)
    finally:
        lock.release()
    click.echo(
        f"removed {plural(freed['removed'], 'item')}, {size(freed['bytes'])}; results and models are kept", err=True
    )
