"""The `cleanup` stage: what may go, why, and its removal.

Results, models and the records of runs stay. Within a run only what an older, different run left goes: temporary
files, superseded versions, half-done predictions. `agecli cleanup` also takes the intermediates of the current
results, which another run would make again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agecli.config import Settings
from agecli.pipeline.tables import open_workspace
from agecli.workspace import MARKER, TABLES, TEMPORARY, Workspace, guard_writes, leftovers

INTERMEDIATE = ("staging", "features")


@dataclass(frozen=True)
class Removable:
    """A file or folder that may go, its size in bytes, and why."""

    path: Path
    bytes: int
    why: str


def removable(settings: Settings) -> list[Removable]:
    """All intermediates of the workspace, current or not."""
    workspace, _ = open_workspace(settings)
    return _sized({**_left_behind(workspace), **_versions(workspace, {}, "intermediate")})


def left_behind(workspace: Workspace) -> list[Removable]:
    """What killed runs left half-done: temporary files, and tables that never became whole."""
    return _sized(_left_behind(workspace))


def superseded(workspace: Workspace, keep: dict[str, str]) -> list[Removable]:
    """What no longer serves: leftovers of killed runs, and versions other than those to keep.

    `keep` maps "staging", "features" and "plan" to the fingerprints of the run that asks.
    """
    return _sized({**_left_behind(workspace), **_versions(workspace, keep, "of an older run")})


def _versions(workspace: Workspace, keep: dict[str, str], why: str) -> dict[Path, str]:
    found = {}
    for table in INTERMEDIATE:
        for folder in _folders(workspace.base / table):
            if folder.name != keep.get(table):
                found[folder] = f"{table} {why}"
        pointer = workspace.base / table / "_current.json"
        if pointer.is_file() and not keep:
            found[pointer] = f"pointer to {table}"
    for kind in ("plans", "predictions"):
        for folder in _folders(workspace.base / kind):
            if folder.name != keep.get("plan"):
                found[folder] = f"{kind} {why}"
    return found


def _left_behind(workspace: Workspace) -> dict[Path, str]:
    """Temporary files of killed runs, and tables that never became whole."""
    places = [workspace.base, workspace.models, workspace.root / workspace.recipe / "generated"]
    found = {path: "left by a run that was killed" for place in places for path in leftovers(place)}
    for table in TABLES:
        for folder in _folders(workspace.base / table):
            if not (folder / MARKER).is_file():
                found[folder] = "never became whole"
    nested = {path for path in found if any(parent in found for parent in path.parents)}
    return {path: why for path, why in found.items() if path not in nested}


def _folders(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith(TEMPORARY))


def _sized(paths: dict[Path, str]) -> list[Removable]:
    return [Removable(path, size_of(path), why) for path, why in sorted(paths.items())]


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def remove(items: Iterable[Removable]) -> dict[str, int]:
    """Removes them: a table's marker first, so that half a table is never taken for a whole one."""
    count = freed = 0
    for item in items:
        with guard_writes(item.path):
            if item.path.is_dir():
                (item.path / MARKER).unlink(missing_ok=True)
                shutil.rmtree(item.path)
            else:
                item.path.unlink(missing_ok=True)
        count, freed = count + 1, freed + item.bytes
    return {"removed": count, "bytes": freed}
