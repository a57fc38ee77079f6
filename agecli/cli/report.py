"""`agecli report`: a run and its model as one page."""

from __future__ import annotations

from pathlib import Path

import click

from agecli.cli.group import command
from agecli.cli.history import find_run
from agecli.cli.options import with_settings
from agecli.config import Settings
from agecli.errors import DataError


@command("report")
@click.argument("run", required=False)
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it.")
@with_settings("workspace", "recipe", "period")
def report(settings: Settings, run: str | None, out: Path | None) -> None:
    """Write a run and its model as a page for people.

    RUN is a run's id or its beginning. The page is one HTML file that needs no network: what ran, how good the model
    is, how sure, where, and why. Its path is printed on stdout.

    \b
    Example:
      agecli report
      agecli report 20261001 --out quarter.html
    """
    from agecli.pipeline.frozen import thaw
    from agecli.reporting.gather import gather
    from agecli.reporting.page import render
    from agecli.workspace import write_bytes

    past = find_run(settings, run)
    folder = past.workspace.run(past.run_id)
    recipe = thaw(folder).recipe if (folder / "settings.json").is_file() else None
    target = out or folder / "report.html"
    try:
        page = render(gather(past.workspace, past.run_id, recipe))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        why = f"its model's card does not hold what it should ({type(error).__name__}: {error})"
        raise DataError(f"cannot report on {past.run_id}", why, "agecli run --from train --force") from None
    write_bytes(target, page.encode())
    click.echo(str(target))
