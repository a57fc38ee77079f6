"""Places where stages run: `open_executor("local")`."""

from __future__ import annotations

from agecli.errors import ConfigError
from agecli.executors.base import Executor, PlannedStage, RunRequest

__all__ = ["Executor", "PlannedStage", "RunRequest", "open_executor"]


def open_executor(place: str) -> Executor:
    """The executor of a place; raises ConfigError for a place that is not there."""
    if place == "local":
        from agecli.executors.local import LocalExecutor

        return LocalExecutor()
    if place in ("aws", "sandbox"):
        raise ConfigError(f"cannot run on {place}", "a run cannot be started there yet", "--on local")
    raise ConfigError(f"cannot run on {place!r}", "this version runs on: local", "--on local")
