"""Batches predicted by a pool of worker processes."""

from __future__ import annotations

import queue
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Protocol

from agecli import events
from agecli.errors import AgecliError, DataError, from_json
from agecli.events import Event
from agecli.executors.processes import Worker
from agecli.executors.tasks import Predict
from agecli.pipeline.frozen import FrozenRun

WORKER_BYTES = 384 << 20  # what one that predicts takes at most, with the recipes that come with agecli
SURVIVABLE = (DataError,)  # a batch may fail by its data; a full disk ends the run


class Crew(Protocol):
    """The run that owns the workers."""

    model: str | None
    workers: dict[int, Worker]
    messages: queue.SimpleQueue[tuple[int, dict[str, Any] | None]]

    def hire(self, log: Path, threads: int) -> int: ...

    def event(
        self, kind: str, stage: str | None = None, batch: int | None = None, data: dict[str, Any] | None = None
    ) -> Event: ...


class Pool:
    """Predicts batches in several workers, one batch at a time each."""

    def __init__(self, owner: Crew, run: FrozenRun, todo: list[dict[str, Any]], rows_done: int, rows: int) -> None:
        self.owner, self.run = owner, run
        self.todo = list(reversed(todo))
        self.rows_done, self.rows = rows_done, rows
        self.busy: dict[int, dict[str, Any]] = {}
        self.tries: dict[int, int] = {}

    def events(self, done: dict[int, dict[str, Any]]) -> Generator[Event, None, dict[int, AgecliError]]:
        """Fills `done` with each batch's facts; returns the errors of the batches that failed."""
        errors: dict[int, AgecliError] = {}
        fit = max(1, self.run.memory // WORKER_BYTES)
        for _ in range(min(self.run.workers, fit, len(self.todo))):
            self._give(self._hire())
        while self.busy:
            number, message = self.owner.messages.get()
            item = self.busy.get(number)
            if item is None:
                continue
            if message is None:
                yield from self._died(number, item, errors)
            elif message["kind"] == "done":
                done[item["batch"]] = message["facts"]
                yield self._finished(item, message)
                self._give(number)
            elif message["kind"] == "error":
                error = from_json({k: v for k, v in message.items() if k != "kind"})
                if not isinstance(error, SURVIVABLE):
                    raise error
                yield self._failed(item, error, errors)
                self._give(number)
            yield self.owner.event(
                events.PROGRESS, "predict", data={"done": self.rows_done, "total": self.rows, "unit": "rows"}
            )
        return errors

    def _hire(self) -> int:
        return self.owner.hire(self.run.folder / "logs" / "predict.log", 1)

    def _give(self, number: int) -> None:
        self.busy.pop(number, None)
        if self.todo:
            item = self.todo.pop()
            self.busy[number] = item
            assert self.owner.model is not None
            self.owner.workers[number].send(Predict("predict", str(self.run.folder), item, self.owner.model))

    def _finished(self, item: dict[str, Any], message: dict[str, Any]) -> Event:
        self.rows_done += item["rows"]
        data = {**message["facts"], "seconds": round(message["seconds"], 3)}
        return self.owner.event(events.BATCH_FINISHED, "predict", item["batch"], data)

    def _failed(self, item: dict[str, Any], error: AgecliError, errors: dict[int, AgecliError]) -> Event:
        errors[item["batch"]] = error
        self.rows_done += item["rows"]
        data = {"error": error.to_json(), "rows": item["rows"]}
        return self.owner.event(events.BATCH_FAILED, "predict", item["batch"], data)

    def _died(self, number: int, item: dict[str, Any], errors: dict[int, AgecliError]) -> Iterator[Event]:
        """A worker that dies has its batch tried once more by another before the batch counts as failed."""
        error = self.owner.workers[number].death()
        self.busy.pop(number)
        self.tries[item["batch"]] = self.tries.get(item["batch"], 0) + 1
        if self.tries[item["batch"]] < 2:
            yield self.owner.event(
                events.WARNING, "predict", item["batch"], {"message": f"batch {item['batch']}: {error}; trying again"}
            )
            self.todo.append(item)
        else:
            yield self._failed(item, error, errors)
        if self.todo:
            self._give(self._hire())
