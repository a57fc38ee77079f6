"""Asks an executor to run stages, and shows what happens: the body of `run` and of every stage's command."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from agecli.cli import output
from agecli.cli.limits import check_cost
from agecli.cli.options import current_session
from agecli.config import Settings
from agecli.events import RUN_STARTED, STAGES, TRANSIENT, Event, Manifest, fold
from agecli.executors import Executor, RunRequest, open_executor


def run_stages(
    settings: Settings,
    stages: tuple[str, ...] = STAGES,
    *,
    place: str = "local",
    force: bool = False,
    dry_run: bool = False,
    form: str = "table",
    batches: tuple[int, ...] = (),
    failed: bool = False,
    publish_anyway: str = "",
    tell: bool = True,
) -> Manifest | None:
    """Runs the stages and tells what happened, or lists what would run. Raises the AgecliError that ended the run.

    What happened goes to stderr for people and, in any other form than a table, to stdout for scripts, unless the
    caller has something else to `tell` there.
    """
    session = current_session()
    request = RunRequest(settings, stages, force, batches, failed, session.command_line(), publish_anyway)
    if not dry_run:
        check_cost(settings, place)
    executor = open_executor(place)
    if dry_run:
        planned = executor.preview(request)
        rows = [{"stage": p.name, "action": "skip" if p.fresh else "run", "why": p.why} for p in planned]
        output.emit(rows, ("stage", "action", "why"), form)
        return None
    session.running = True
    return _show(executor, request, form if tell else "table")


def _show(executor: Executor, request: RunRequest, form: str) -> Manifest:
    from agecli.cli import live, summary

    session = current_session()
    lasting: list[Event] = []
    try:
        with live.open_screen(session.log_format) as screen, contextlib.closing(_events(executor, request)) as events:
            for event in events:
                if event.kind not in TRANSIENT:
                    lasting.append(event)
                screen.show(event)
    finally:
        if any(event.kind == RUN_STARTED for event in lasting):
            manifest = fold(lasting)
            if manifest.state == "running":  # cut off between two events
                manifest.state = "interrupted"
            if session.log_format == "text":
                summary.show(manifest, session)
            if form != "table":
                summary.emit(manifest, form)
    return fold(lasting)


def _events(executor: Executor, request: RunRequest) -> Generator[Event, None, None]:
    """The executor's events as a generator, so that it can be closed whatever kind of iterator that is."""
    yield from executor.run(request)
