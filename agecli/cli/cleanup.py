"""`agecli cleanup`: the last stage of the pipeline, and the one that asks first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from agecli.cli import output
from agecli.cli.board import plural, size
from agecli.cli.group import command
from agecli.cli.options import output_option, with_settings
from agecli.config import Settings
from agecli.workspace import Lock

if TYPE_CHECKING:
    from agecli.pipeline.cleanup import Removable


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
    if dry_run:
        _list(settings, form)
        return
    lock = Lock(settings["workspace"])  # taken first: what is listed is what goes
    lock.acquire("cleanup")
    try:
        _clean(settings, yes, form)
    finally:
        lock.release()


def _list(settings: Settings, form: str) -> list[Removable]:
    from agecli.pipeline.cleanup import removable

    items = removable(settings)
    rows = [{"path": str(item.path), "bytes": item.bytes, "why": item.why} for item in items]
    output.emit(rows, ("path", "bytes", "why"), form)
    return items


def _clean(settings: Settings, yes: bool, form: str) -> None:
    from agecli.pipeline.cleanup import remove

    items = _list(settings, form)
    if not items:
        return
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        what = f"{plural(len(items), 'item')}, {size(sum(i.bytes for i in items))}"
        if not click.confirm(f"Remove {what}?", err=True):
            click.echo("nothing is removed", err=True)
            return
    freed = remove(items)
    click.echo(
        f"removed {plural(freed['removed'], 'item')}, {size(freed['bytes'])}; results and models are kept", err=True
    )
