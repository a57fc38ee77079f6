"""The runs that a workspace remembers, over all its recipes and periods."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agecli.config import Settings
from agecli.errors import ConfigError
from agecli.events import Manifest
from agecli.workspace import EventLog, Lock, Workspace, manifest


@dataclass(frozen=True)
class PastRun:
    """One run, and where it lies."""

    workspace: Workspace
    run_id: str

    def manifest(self) -> Manifest:
        return manifest(self.workspace, self.run_id)

    def alive(self) -> bool:
        """Is it running at this moment?"""
        return Lock(self.workspace.root).held_by() == self.run_id

    def log(self) -> EventLog:
        return EventLog(self.workspace.run(self.run_id))

    def worker_logs(self) -> list[Path]:
        """Files in which worker processes left words of their own."""
        found = (self.workspace.run(self.run_id) / "logs").glob("*.log")
        return sorted(path for path in found if path.stat().st_size)


def past_runs(settings: Settings) -> list[PastRun]:
    """All runs, oldest first; those of one recipe or period where a flag asks for it."""
    root = settings["workspace"]
    recipe = _name(settings) if settings.origin["recipe"] == "--recipe" else "*"
    period = settings["period"] if settings.origin["period"] == "--period" else "*"
    found = [
        PastRun(Workspace(root, folder.parents[1].name, folder.parent.name), run_id)
        for folder in root.glob(f"{recipe}/{period}/runs")
        for run_id in Workspace(root, folder.parents[1].name, folder.parent.name).run_ids()
    ]
    return sorted(found, key=lambda run: run.run_id)


def _name(settings: Settings) -> str:
    """What the recipe is called; its folder's name where it is not there any more."""
    from agecli import recipe as recipes

    try:
        return recipes.load(recipes.locate(settings["recipe"], settings.project)).name
    except ConfigError:
        return str(settings["recipe"])


def find_run(settings: Settings, wanted: str | None) -> PastRun:
    """The last run, or the one whose id begins with `wanted`. Raises ConfigError where there is none."""
    runs = past_runs(settings)
    if not runs:
        raise ConfigError(f"no run in {settings['workspace']}", "nothing has run there yet", "agecli run --all")
    if wanted is None:
        return runs[-1]
    matching = [run for run in runs if run.run_id == wanted] or [run for run in runs if run.run_id.startswith(wanted)]
    if len(matching) != 1:
        why = f"{len(matching)} runs begin with it" if matching else f"there are {len(runs)} others"
        raise ConfigError(f"no run {wanted!r}", why, "`agecli runs` lists them")
    return matching[0]
