"""The screen of a running pipeline: a live table on a terminal, plain lines elsewhere, JSON lines for machines.

All three take the same events. On a terminal all stages are there from the start; without one there is a line per
happening and none per progress tick.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from agecli import events
from agecli.cli.board import Board, StageView, clock, duration, plural, size
from agecli.cli.output import one_line
from agecli.events import Event

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

_FRAMES_A_SECOND = 5
_BAR = 16
_PLAIN_STEPS = 10


class Screen(Protocol):
    """Shows events, one at a time."""

    def __enter__(self) -> Screen: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: Event) -> None: ...


def open_screen(log_format: str) -> Screen:
    """The screen that fits what stderr is."""
    if log_format == "json":
        return JsonLines()
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return LiveTable()
    return PlainLines()


class _Lines:
    """A screen that keeps nothing open."""

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event) -> None:
        raise NotImplementedError


class JsonLines(_Lines):
    """Each event as one line of JSON on stderr."""

    def show(self, event: Event) -> None:
        print(event.to_json(), file=sys.stderr, flush=True)


class PlainLines(_Lines):
    """A line per happening on stderr; of many batches every tenth part, or at 1, 2, 4, 8, ... of an unknown number."""

    def __init__(self, board: Board | None = None) -> None:
        self.board = board or Board()

    def show(self, event: Event) -> None:
        view = self.board.take(event)
        text = line(event, view, self.board)
        if text is not None:
            print(f"{clock(event.at)} {text}", file=sys.stderr, flush=True)


def line(event: Event, view: StageView | None, board: Board) -> str | None:
    """One event in words, or None where it is not worth a line."""
    data, kind = event.data, event.kind
    stage = f"{event.stage or 'run':<9} "
    if kind == events.RUN_STARTED:
        return f"{stage} {event.run_id} of {board.title}"
    if kind == events.STAGE_STARTED:
        why = data.get("why")
        return f"{stage} started" + (f": {why}" if why else "")
    if kind == events.STAGE_SKIPPED:
        return f"{stage} skipped: {data.get('why', 'fresh')}"
    if kind == events.STAGE_FINISHED and view is not None:
        return f"{stage} done: " + ", ".join(finished(view, board))
    if kind in (events.STAGE_FAILED, events.BATCH_FAILED):
        what = "failed" if event.batch is None else f"batch {event.batch} failed"
        error = data.get("error") or {}
        return f"{stage} {what}: " + one_line(f"{error.get('what', '?')}: {error.get('why', '?')}")
    if kind == events.BATCH_FINISHED and view is not None:
        return _batches_line(stage, view, board)
    if kind in (events.LOG, events.WARNING):
        return f"{stage} " + ("warning: " if kind == events.WARNING else "") + one_line(data.get("message", ""))
    return None


def _batches_line(stage: str, view: StageView, board: Board) -> str | None:
    total = view.batches_total
    count = view.batches + view.batches_failed
    worth_a_line = count % max(1, total // _PLAIN_STEPS) == 0 if total else count & (count - 1) == 0
    if not worth_a_line:
        return None
    parts = [f"{count} of {plural(total, 'batch')}" if total else plural(count, "batch")]
    left = view.left(board.clock())
    if left is not None:
        parts.append(f"{duration(left)} left")
    return f"{stage} " + ", ".join(parts)


def finished(view: StageView, board: Board) -> list[str]:
    """What a stage did: rows, batches, bytes, seconds."""
    parts = []
    facts = view.facts
    if view.rows is not None and view.name != "train":
        parts.append(f"{view.rows:,} rows")
    if view.name == "train" and facts.get("labelled"):
        parts.append(f"{facts['labelled']:,} labelled rows")
    if isinstance(facts.get("batches"), int):
        parts.append(plural(facts["batches"], "batch"))
    if "removed" in facts:
        parts.append(f"{plural(facts['removed'], 'item')}, {size(facts.get('bytes', 0))}")
    parts.append(duration(view.seconds))
    return parts


class LiveTable:
    """A table of all stages that redraws itself; the closing summary takes its place."""

    def __init__(self, board: Board | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self.board = board or Board()
        self.console = Console(stderr=True, highlight=False)
        self.live: Live = Live(
            console=self.console,
            get_renderable=self.table,
            refresh_per_second=_FRAMES_A_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Screen:
        self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.__exit__(kind, error, trace)

    def show(self, event: Event) -> None:
        view = self.board.take(event)
        if event.kind in (events.LOG, events.WARNING, events.BATCH_FAILED):
            text = line(event, view, self.board)
            self.live.console.print(text, style="yellow" if event.kind != events.LOG else "dim", markup=False)
        elif event.kind in (events.STAGE_FINISHED, events.STAGE_FAILED, events.STAGE_SKIPPED):
            self.live.refresh()

    def table(self) -> Table:
        """The board as rich draws it."""
        from rich.table import Table

        board = self.board
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
        table.add_column(board.title or "agecli")
        for name in ("rows", "rows/s", "time"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("progress", no_wrap=True)
        for view in board.stages.values():
            table.add_row(*_cells(view, board), style=_STYLES.get(view.state))
        return table


_STYLES = {"waiting": "dim", "fresh": "dim", "running": "bold", "failed": "red"}


def _cells(view: StageView, board: Board) -> tuple[Any, ...]:
    rate = view.rate(board.clock()) if view.name in ("stage", "features", "predict", "aggregate") else None
    rows = view.rows if view.rows is not None else int(view.done) if view.done and view.unit == "rows" else None
    return (
        f"{_MARKS[view.state]} {view.name}",
        "" if rows is None else f"{rows:,}",
        "" if rate is None else f"{rate:,.0f}",
        duration(board.elapsed(view)),
        _progress(view, board),
    )


_MARKS = {"waiting": " ", "running": ">", "done": "+", "fresh": "=", "failed": "x"}


def _progress(view: StageView, board: Board) -> str:
    if view.state != "running":
        words = {"fresh": "fresh, skipped", "failed": "failed"}
        parts = [words[view.state]] if view.state in words else []
        if view.state == "done" and isinstance(view.facts.get("batches"), int):
            parts.append(plural(view.facts["batches"], "batch"))
        return ", ".join(parts + ([f"{view.batches_failed} failed"] if view.batches_failed else []))
    parts = []
    share = view.share()
    if share is not None:
        parts.append("#" * int(share * _BAR) + "." * (_BAR - int(share * _BAR)) + f" {share:4.0%}")
    if view.unit not in ("rows", "batches"):
        parts.append(view.unit)
    if view.name == "predict" and view.batches_total:
        parts.append(f"{view.batches} of {plural(view.batches_total, 'batch')}")
    if view.batches_failed:
        parts.append(f"{view.batches_failed} failed")
    left = view.left(board.clock())
    if left is not None:
        parts.append(f"{duration(left)} left")
    return "  ".join(parts)
