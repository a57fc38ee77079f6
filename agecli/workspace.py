"""Where everything a run makes lies, and how it gets there whole.

    <recipe>/<period>/
      staging/<fp>/  features/<fp>/  results/<fp>/    data files, and _agecli.json, written last
      staging/_current.json ...                       which <fp> is live
      plans/<plan>/batches.json
      predictions/<plan>/batch-00017.parquet
      runs/<run_id>/recipe/ settings.json events/
    <recipe>/models/<digest>/
    _lock

A table is whole when its `_agecli.json` is there. Nothing is overwritten: a new version stands beside the old one
until it is whole, then the pointer moves. Temporary names begin with `_tmp-`, so no engine sees them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agecli.errors import AgecliError, WorkspaceLocked
from agecli.events import TRANSIENT, Event, Manifest, fold

MARKER = "_agecli.json"
TEMPORARY = "_tmp-"
_ASKING_SECONDS = 0.2  # longer than anybody who only asks for the lock is in the way
TABLES = ("staging", "features", "results")


@dataclass(frozen=True)
class Workspace:
    """The places of one recipe and period below a root folder."""

    root: Path
    recipe: str
    period: str

    @property
    def base(self) -> Path:
        return self.root / self.recipe / self.period

    @property
    def models(self) -> Path:
        return self.root / self.recipe / "models"

    @property
    def runs(self) -> Path:
        return self.base / "runs"

    def table(self, name: str, fingerprint: str) -> Path:
        return self.base / name / fingerprint

    def plan(self, plan: str) -> Path:
        return self.base / "plans" / plan

    def predictions(self, plan: str) -> Path:
        return self.base / "predictions" / plan

    def batch(self, plan: str, number: int) -> Path:
        return self.predictions(plan) / f"batch-{number:05d}.parquet"

    def run(self, run_id: str) -> Path:
        return self.runs / run_id

    def facts(self, name: str, fingerprint: str) -> dict[str, Any] | None:
        """What `_agecli.json` says of a table, or None when the table is not whole."""
        folder = self.table(name, fingerprint)
        found = read_object(folder / MARKER)
        if found is None:
            return None
        files = found.get("files", [])
        if not isinstance(files, list) or not all(map(is_plain_name, files)):
            raise _unlike(folder / MARKER, "its files are not names of files beside it")
        sizes = found.get("sizes", {})
        return found if all(_is_whole(folder / file, sizes.get(file)) for file in files) else None

    def current(self, name: str) -> str | None:
        """The fingerprint of the live version of a table."""
        path = self.base / name / "_current.json"
        pointer = read_object(path)
        if pointer is None:
            return None
        if not is_plain_name(pointer.get("fingerprint")):
            raise _unlike(path, "it names no version")
        return str(pointer["fingerprint"])

    def set_current(self, name: str, fingerprint: str, about: dict[str, Any] | None = None) -> None:
        """Makes a whole table the live one, at once. `about` is kept beside the fingerprint, for the record."""
        if self.current(name) != fingerprint:
            write_json(self.base / name / "_current.json", {**(about or {}), "fingerprint": fingerprint})

    def run_ids(self) -> list[str]:
        """Runs of this recipe and period, oldest first."""
        return (
            sorted(p.name for p in self.runs.iterdir() if p.is_dir() and not p.name.startswith(TEMPORARY))
            if self.runs.is_dir()
            else []
        )


def mark_whole(folder: Path, facts: dict[str, Any]) -> None:
    """Writes the marker of a table whose `files` are all there: the facts, and how large each file is."""
    sizes = {file: (folder / file).stat().st_size for file in facts["files"]}
    write_json(folder / MARKER, {**facts, "sizes": sizes})


def _is_whole(path: Path, size: int | None) -> bool:
    try:
        return path.is_file() and size in (None, path.stat().st_size)
    except OSError:
        return False


def read_json(path: Path) -> Any:
    """The JSON in a file, or None when the file is not there. A file that is not JSON is an AgecliError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, RecursionError) as error:
        raise AgecliError(f"cannot read {path}", f"it is not JSON ({error})", f"delete {path} and run again") from None


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, or None when the file is not there. Anything else is an AgecliError."""
    found = read_json(path)
    if found is not None and not isinstance(found, dict):
        raise _unlike(path, "it holds no JSON object")
    return found


def is_plain_name(value: object) -> bool:
    """Is it the name of a file or folder that stands right here, and not a path to somewhere else?"""
    return isinstance(value, str) and value == Path(value).name != "" and value != ".." and "\0" not in value


def _unlike(path: Path, why: str) -> AgecliError:
    return AgecliError(f"{path} is not as agecli wrote it", why, f"delete {path} and run again")


def write_json(path: Path, value: Any) -> None:
    """Writes a whole JSON file at once."""
    write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a whole file at once: under a temporary name, flushed to disk, then renamed."""
    with guard_writes(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
        try:
            temporary.write_bytes(content)
            publish(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def publish(temporary: Path, target: Path) -> None:
    """Gives a finished file or folder its name. What it holds is on disk before the name is, so that after a power
    cut a name never stands for half of it."""
    _flush_all(temporary)
    temporary.replace(target)
    _flush(target.parent)


def _flush_all(path: Path) -> None:
    for folder, _, names in os.walk(path):
        for name in names:
            _flush(Path(folder) / name)
        _flush(Path(folder))
    if not path.is_dir():
        _flush(path)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A temporary folder that becomes `target` when the block ends well and is removed when it does not.

    A `target` that is there already stays until the new one takes its place.
    """
    with guard_writes(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
        temporary.mkdir()
        try:
            yield temporary
            if target.exists():  # the same version made again
                _flush_all(temporary)
                _swap(temporary, target)
                _flush(target.parent)
            else:
                publish(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


def _swap(new: Path, old: Path) -> None:
    """Exchanges the names of two folders: in one step where the system can (Linux), else in three."""
    import ctypes  # costs start-up time

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    names = (_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(old), _RENAME_EXCHANGE)
    if rename is not None and rename(*names) == 0:
        return
    aside = new.with_name(f"{new.name}-old")
    old.rename(aside)
    try:
        new.rename(old)
    except BaseException:
        aside.rename(old)
        raise
    aside.rename(new)


@contextlib.contextmanager
def guard_writes(path: Path) -> Iterator[None]:
    """Turns the operating system's refusals (disk full, read-only, no permission) into an AgecliError."""
    try:
        yield
    except OSError as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError) -> AgecliError:
    """The AgecliError for a write that the operating system refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return AgecliError(
            f"cannot write {path}", "the disk is full",
            "free space (`agecli cleanup` removes intermediates) or set --workspace elsewhere, then run again",
        )  # fmt: skip
    return AgecliError(
        f"cannot write {path}",
        error.strerror or str(error),
        "make the folder writable or set --workspace elsewhere",
    )


def leftovers(folder: Path) -> list[Path]:
    """Temporary files and folders below a folder that a killed run left."""
    return sorted(folder.rglob(f"{TEMPORARY}*")) if folder.is_dir() else []


class Lock:
    """One run at a time per workspace root: an advisory lock that the kernel drops when its holders die.

    The descriptor is inheritable, so workers that outlive a killed parent for a moment still hold it.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / "_lock"
        self.descriptor: int | None = None

    def acquire(self, run_id: str, wait: float = 5.0) -> None:
        """Takes the lock, waiting `wait` seconds only for orphans of a dead run. Raises WorkspaceLocked."""
        with guard_writes(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                self._take(descriptor, wait)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "run_id": run_id}).encode(), 0)
            except BaseException:
                os.close(descriptor)
                raise
        self.descriptor = descriptor

    def _take(self, descriptor: int, wait: float) -> None:
        began = time.monotonic()
        while not _try_lock(descriptor):
            holder, waited = _holder(descriptor), time.monotonic() - began
            # somebody who only asks (`held_by`) is in the way for a moment
            if waited > (_ASKING_SECONDS if _alive(holder.get("pid")) else max(wait, _ASKING_SECONDS)):
                raise WorkspaceLocked(
                    f"cannot use {self.path.parent}",
                    f"run {holder.get('run_id', '?')} (process {holder.get('pid', '?')}) holds it",
                    "wait for it to end (`agecli status`), or stop that process",
                )
            time.sleep(0.02)

    def release(self) -> None:
        """Gives the lock back. Workers that still die hold it for a moment, under nobody's name."""
        if self.descriptor is not None:
            descriptor, self.descriptor = self.descriptor, None
            try:
                os.ftruncate(descriptor, 0)
            finally:
                os.close(descriptor)

    def held_by(self) -> str | None:
        """The run that holds the lock at this moment, if any. Many may ask at once, also where nobody may write."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return None if _try_lock(descriptor, shared=True) else str(_holder(descriptor).get("run_id", "?"))
        finally:
            os.close(descriptor)


def _try_lock(descriptor: int, shared: bool = False) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> dict[str, Any]:
    try:
        return dict(json.loads(os.pread(descriptor, 4096, 0)))
    except ValueError:
        return {}


def _alive(pid: Any) -> bool:
    try:
        os.kill(int(pid), 0)
    except (TypeError, ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


class EventLog:
    """The lasting events of one run: one file each, created if absent, in the order of their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "events"
        self.count = 0
        self.last = 0

    def append(self, event: Event) -> None:
        if event.kind in TRANSIENT:
            return
        self.count += 1
        self.last = max(time.time_ns(), self.last + 1)  # a clock that is set back must not reorder them
        name = f"{self.last:020d}-{self.count:06d}-{event.kind}.json"
        write_bytes(self.folder / name, (event.to_json() + "\n").encode())

    def read(self) -> Iterator[Event]:
        """The events in order."""
        for path in sorted(self.folder.glob("[0-9]*.json")) if self.folder.is_dir() else ():
            yield Event.from_json(path.read_text(encoding="utf-8"))


def manifest(workspace: Workspace, run_id: str) -> Manifest:
    """The fold of a run's events. A run that says "running" while nobody holds the lock was killed."""
    # asked before the events are read: a run that ends in between has told so by then
    alive = Lock(workspace.root).held_by() == run_id
    try:
        found = fold(EventLog(workspace.run(run_id)).read())
    except ValueError:
        found = Manifest(run_id)
    if found.state == "running" and not alive:
        found.state = "interrupted"
    return found
