"""What a screen shows of a run at one moment: the events so far, turned into a few short texts per stage."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agecli import events
from agecli.events import Event

_SETTLE_SECONDS = 1.0


@dataclass
class StageView:
    """One stage as the screen knows it. Times are seconds of the board's clock."""

    name: str
    state: str = "waiting"
    began: float | None = None
    seconds: float | None = None
    rows: int | None = None
    done: float | None = None
    total: float | None = None
    unit: str = "rows"
    gained: int = 0
    batches: int = 0
    batches_total: int | None = None
    batches_failed: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    first: tuple[float, float] | None = None

    def rate(self, now: float) -> float | None:
        """Rows a second: since the first tick while it runs (what was done before it began does not count)."""
        if self.state == "done" and self.seconds:
            rows = self.gained or (self.rows or 0)
            return rows / self.seconds if rows else None
        return self._pace(now) if self.state == "running" and self.unit == "rows" else None

    def _pace(self, now: float) -> float | None:
        """Units a second: of whole batches since the stage began, else from tick to tick."""
        if self.gained and self.began is not None:
            seconds, gained = now - self.began, float(self.gained)
        elif self.first is not None and self.done is not None:
            seconds, gained = now - self.first[0], self.done - self.first[1]
        else:
            return None
        return gained / seconds if seconds >= _SETTLE_SECONDS and gained > 0 else None

    def left(self, now: float) -> float | None:
        """Seconds that the stage still needs at the pace so far; None while that cannot be said."""
        pace = self._pace(now) if self.state == "running" else None
        if pace is None or self.done is None or self.total is None or self.done >= self.total:
            return None
        return (self.total - self.done) / pace

    def share(self) -> float | None:
        return min(1.0, self.done / self.total) if self.done is not None and self.total else None


class Board:
    """Folds events into stage views; `clock` gives seconds and only ever grows."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.began = clock()
        self.run_id = ""
        self.title = ""
        self.state = "running"
        self.stages: dict[str, StageView] = {}
        self.batches_planned: int | None = None

    def take(self, event: Event) -> StageView | None:
        """Notes one event; returns the stage it concerns."""
        data = event.data
        self.run_id = event.run_id
        if event.kind == events.RUN_STARTED:
            self.title = " ".join(str(data[key]) for key in ("recipe", "period") if data.get(key))
            for name in data.get("stages", ()):
                self.stages.setdefault(name, StageView(name))
        elif event.kind in (events.RUN_FINISHED, events.RUN_FAILED):
            self.state = str(data.get("state", "failed"))
        if event.stage is None:
            return None
        view = self.stages.setdefault(event.stage, StageView(event.stage))
        self._note(view, event)
        return view

    def _note(self, view: StageView, event: Event) -> None:
        data, now = event.data, self.clock()
        if event.kind == events.STAGE_STARTED:
            view.state, view.began, view.total = "running", now, data.get("total")
            view.first = view.done = None
            view.batches_total = self.batches_planned if view.name == "predict" else None
        elif event.kind == events.PROGRESS:
            if view.state == "waiting":  # rows are generated before the first stage
                view.state, view.began = "running", now
            if view.first is None or data.get("unit") != view.unit:
                view.first = (now, float(data.get("done") or 0))
            view.unit, view.done = str(data.get("unit", "rows")), float(data.get("done") or 0)
            view.total = data.get("total", view.total)
        elif event.kind == events.BATCH_FINISHED:
            view.batches += 1
            rows = int(data.get("rows") or 0)
            view.gained += rows
            view.done = None if view.done is None else view.done + rows
        elif event.kind == events.BATCH_FAILED:
            view.batches_failed += 1
        elif event.kind in (events.STAGE_FINISHED, events.STAGE_SKIPPED):
            self._close(view, event)
        elif event.kind == events.STAGE_FAILED:
            view.state, view.seconds = "failed", data.get("seconds")

    def _close(self, view: StageView, event: Event) -> None:
        data = event.data
        view.state = "fresh" if event.kind == events.STAGE_SKIPPED else "done"
        view.seconds, view.rows = data.get("seconds"), data.get("rows")
        view.facts = dict(data)
        if view.name == "batches" and isinstance(data.get("batches"), int):
            self.batches_planned = data["batches"]

    def elapsed(self, view: StageView) -> float | None:
        """Seconds that a stage took, or has been running."""
        if view.state == "running" and view.began is not None:
            return self.clock() - view.began
        return view.seconds


def duration(seconds: float | None) -> str:
    """4.2 s, 3 min 05 s, 2 h 10 min."""
    if seconds is None:
        return ""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def plural(count: int, word: str) -> str:
    """1 batch, 2 batches, 1,000 items."""
    ending = "" if count == 1 else "es" if word.endswith("ch") else "s"
    return f"{count:,} {word}{ending}"


def clock(at: str) -> str:
    """The time of day of an event, as clocks show it here; files and JSON have UTC."""
    return day_and_clock(at)[11:]


def day_and_clock(at: str) -> str:
    """The same with the day: 2026-11-21 12:33:40."""
    return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"


def size(count: float) -> str:
    """Bytes in words of 1024: 3.4 GiB."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
