"""A registry in a folder: one JSON file per entry, numbered, created only if its number is free.

    <recipe>/models/registry/00000001.json

A writer reads the entries, makes the next one from the state they lead to, and links it into place; the file system
lets one writer have a number. Whoever comes second reads again and tries the next. So nothing is lost or judged by
an outdated state, without a lock. The same works on S3 with `If-None-Match: *`.
"""

from __future__ import annotations

import errno
import getpass
import json
import os
import re
import stat
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agecli.errors import ConfigError, DataError, GateRefused
from agecli.models.registry import (
    APPROVED,
    ARCHIVED,
    PENDING,
    REJECTED,
    Alias,
    Approval,
    Entry,
    Kind,
    Note,
    State,
    Version,
    fold,
)
from agecli.workspace import TEMPORARY, guard_writes

_NAME = re.compile(r"(\d{8})\.json\Z")
_MOST_BYTES = 4 << 20
_TRIES = 1_000
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)

Draft = tuple[Kind, str, str | None, str, Mapping[str, Any]]  # kind, version, before, after, detail


class FolderRegistry:
    """The registry in this folder, which need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self) -> tuple[Entry, ...]:
        return self._read()[0]

    def warnings(self) -> tuple[str, ...]:
        return tuple(self._read()[1].values())

    def register(self, model: Mapping[str, Any], note: Note) -> Version:
        def draft(state: State) -> Draft | Version:
            known = state.by_digest(model["digest"])
            if known is not None:
                return known
            number = 1 + max((int(name[1:]) for name in state.versions), default=0)
            return "register", f"v{number}", None, PENDING, model

        return self._add(draft, note)

    def decide(self, version: str, approval: Approval, note: Note) -> Version:
        def draft(state: State) -> Draft | Version:
            found = state.find(version)
            if found.approval == approval and not note.reason:  # another reason is worth an entry
                return found
            if approval == REJECTED and found.stage != ARCHIVED:
                fix = f"agecli models rollback --to {found.stage}"
                raise ConfigError(f"cannot reject {found.name}", f"it is in {found.stage}", fix)
            kind: Kind = "approve" if approval == APPROVED else "reject"
            return kind, found.name, found.approval, approval, note.detail

        return self._add(draft, note)

    def promote(self, version: str, alias: Alias, note: Note, instead_of: str | None) -> Version:
        def draft(state: State) -> Draft | Version:
            found = state.find(version)
            if found.stage == alias:
                return found
            if state.holder(alias) != instead_of:
                raise ConfigError(
                    f"cannot promote {found.name}",
                    f"{state.holder(alias)} was promoted to {alias} meanwhile, not compared with {found.name}",
                    "promote it again",
                )
            if found.approval == REJECTED and not note.detail.get("overridden"):
                raise GateRefused(
                    f"{found.name} is not promoted to {alias}", "it was rejected", f"agecli models approve {found.name}"
                )
            if found.stage == "production" and not note.detail.get("overridden"):
                raise GateRefused(
                    f"{found.name} is not promoted to {alias}", "it is in production, which would have none",
                    "promote another version to production first",
                )  # fmt: skip
            return "promote", found.name, found.stage, alias, {**note.detail, "instead_of": instead_of}

        return self._add(draft, note)

    def rollback(self, alias: Alias, note: Note) -> Version:
        def draft(state: State) -> Draft | Version:
            name = state.before(alias)
            if name is None:
                fix = f"agecli models promote VERSION --to {alias}"
                raise ConfigError(f"cannot roll back {alias}", "no other version held it before", fix)
            return "rollback", name, state.versions[name].stage, alias, {"instead_of": state.holder(alias)}

        return self._add(draft, note)

    def _add(self, draft: Callable[[State], Draft | Version], note: Note) -> Version:
        """Adds the entry that `draft` makes of the state, or none where it gives a version that is as wanted."""
        for _ in range(_TRIES):
            entries, unreadable = self._read()
            if any(isinstance(key, int) for key in unreadable):
                raise DataError(
                    f"the registry {self.folder} takes no entry",
                    next(text for key, text in unreadable.items() if isinstance(key, int)),
                    "bring that file back from a copy; where there is none, delete it and what it said is lost",
                )
            drafted = draft(fold(entries))
            if isinstance(drafted, Version):
                return drafted
            kind, version, before, after, detail = drafted
            number = 1 + max((entry.number for entry in entries), default=0)
            # never before the entry that it follows, whatever this machine's clock says
            at = max([datetime.now(UTC), *(entry.at for entry in entries[-1:])])
            entry = Entry(number, kind, version, at, note.by, note.reason, before, after, detail)
            if _create(self.folder / f"{number:08d}.json", entry):
                return fold((*entries, entry)).versions[version]
        raise DataError(f"the registry {self.folder} takes no entry", "others write to it without end", "try again")

    def _read(self) -> tuple[tuple[Entry, ...], dict[int | str, str]]:
        """The entries in order; and by number or name, what is wrong with files that are none."""
        try:
            names = sorted(path.name for path in self.folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return (), {}
        except OSError as error:
            raise DataError(f"cannot read {self.folder}", error.strerror or str(error), "make it readable") from None
        entries: list[Entry] = []
        wrong: dict[int | str, str] = {}
        for name in names:
            match = _NAME.match(name)
            if match is None:
                if not name.startswith(TEMPORARY):
                    wrong[name] = f"{self.folder / name} is no entry of the registry and is not read"
                continue
            try:
                entries.append(_entry(self.folder / name, int(match[1])))
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                why = f"cannot be read ({type(error).__name__}) and does not count"
                wrong[int(match[1])] = f"{self.folder / name} {why}"
        there = {entry.number for entry in entries} | {key for key in wrong if isinstance(key, int)}
        missing = sorted(set(range(1, max(there, default=0))) - there)[:5]
        if missing:
            wrong["missing"] = f"the registry {self.folder} lacks entries: {', '.join(map(str, missing))}"
        return tuple(entries), wrong


def _entry(path: Path, number: int) -> Entry:
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode) or about.st_size > _MOST_BYTES:
        raise ValueError("no file of an entry")
    entry = Entry.from_json(json.loads(path.read_bytes()))
    if entry.number != number:
        raise ValueError("the number is another")
    return entry


def _create(path: Path, entry: Entry) -> bool:
    """Writes a whole file under a name that is free; False when somebody else has it."""
    content = (json.dumps(entry.to_json(), ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
    with guard_writes(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
        try:
            _write(temporary, content)
            os.link(temporary, path)
            return True
        except FileExistsError:
            return False
        except FileNotFoundError:
            return False  # a cleanup took the temporary file for one that was left behind
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        finally:
            temporary.unlink(missing_ok=True)
        try:
            _write(path, content)  # a file system without links: a crash here leaves a torn entry, which is reported
        except FileExistsError:
            return False
        return True


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def user_name() -> str:
    """Who is at work, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
