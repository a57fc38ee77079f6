"""Where stages run. An executor takes a request, yields what happens as events, and can be cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from agecli.config import Settings
from agecli.events import STAGES, Event


@dataclass(frozen=True)
class RunRequest:
    """What a user asked for.

    `stages` are consecutive, in the order of `agecli.events.STAGES`; the ones before them must be fresh. `force`
    does the stages again although they are fresh. `batches` names single batches to predict again; `failed` asks
    for those that failed or are missing. `publish_anyway` is the reason to make results current that the publication
    gate refuses. `command` is what the user typed, for the record.
    """

    settings: Settings
    stages: tuple[str, ...] = STAGES
    force: bool = False
    batches: tuple[int, ...] = ()
    failed: bool = False
    command: str = ""
    publish_anyway: str = ""


@dataclass(frozen=True)
class PlannedStage:
    """What a run would do with a stage: `fresh` ones are skipped; `why` says what changed."""

    name: str
    fresh: bool
    why: str


class Executor(Protocol):
    """A place where stages run."""

    def run(self, request: RunRequest) -> Iterator[Event]:
        """Runs the stages and yields their events, the last being run_finished or run_failed.

        Raises the AgecliError that ended the run after its last event, BatchesFailed when only batches failed.
        Closing the iterator cancels what still runs.
        """
        ...

    def preview(self, request: RunRequest) -> tuple[PlannedStage, ...]:
        """What `run` would do, without doing it."""
        ...
