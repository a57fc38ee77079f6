"""`agecli logs`: the events of a run, as it goes or afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from agecli.cli import output
from agecli.cli.board import Board, clock
from agecli.cli.group import command
from agecli.cli.history import PastRun, find_run
from agecli.cli.live import line
from agecli.cli.options import current_session, output_option, with_settings
from agecli.config import Settings
from agecli.events import RUN_FAILED, RUN_FINISHED, STAGES, Event

COLUMNS = ("at", "kind", "stage", "batch", "message")
_POLL_SECONDS = 0.3


@command("logs")
@click.argument("run", required=False)
@click.option("--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--stage", type=click.Choice(STAGES), help="Only this stage.")
@output_option
@with_settings("workspace", "recipe", "period")
def logs(settings: Settings, run: str | None, follow: bool, stage: str | None, form: str) -> None:
    """Show what happened during a run.

    RUN is a run's id or its beginning; the last one by default. With -v also what the worker processes wrote, where
    something unexpected happened to them.

    \b
    Example:
      agecli logs
      agecli logs --follow
      agecli logs -v
      agecli logs --stage predict --output json
    """
    past = find_run(settings, run)
    board = Board()
    rows = (_row(event, board) for event in _events(past, follow) if stage in (None, event.stage))
    if form != "table":
        output.emit(rows, COLUMNS, form)
        return
    for row in rows:
        print(f"{clock(row['at'])} {row['message']}", flush=follow)
    for path in past.worker_logs():
        if current_session().verbose:
            print(f"\n{path}:\n" + path.read_text(encoding="utf-8", errors="replace"))
        else:
            click.echo(f"more in {path} (-v prints it)", err=True)


def _events(past: PastRun, follow: bool) -> Iterator[Event]:
    """The events in order; with `follow` also those still to come, until the run is over. Each is read once."""
    folder, seen, over = past.log().folder, "", False
    while not over:
        # asked before the names are listed: what a run wrote before it ended is among them
        over = not follow or not past.alive()
        for name in sorted(path.name for path in folder.glob("[0-9]*.json") if path.name > seen):
            seen = name
            try:
                event = Event.from_json((folder / name).read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:  # what a power cut left
                click.echo(f"warning: {folder / name} is passed over: {error}", err=True)
                continue
            over = over or event.kind in (RUN_FINISHED, RUN_FAILED)
            yield event
        if not over:
            time.sleep(_POLL_SECONDS)


def _row(event: Event, board: Board) -> dict[str, Any]:
    text = line(event, board.take(event), board)
    if text is None:
        rows = event.data.get("rows")
        text = f"{event.stage or 'run':<9}  " + event.kind.replace("_", " ")
        text += f" {event.batch}" if event.batch is not None else ""
        text += f", {rows:,} rows" if isinstance(rows, int) else ""
        text += f" ({event.data['state']})" if "state" in event.data else ""
    return {"at": event.at, "kind": event.kind, "stage": event.stage, "batch": event.batch, "message": text}
