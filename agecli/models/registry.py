"""The versions of a recipe's model: who made, approved and promoted which, when and why.

A registry is a list of entries that only grows. Its state, at any moment, is their fold: versions `v1, v2, ...`,
each with an approval, and one version each in `staging` and in `production`; the others are archived. So "what was
in production on 3 March" is the fold of the entries up to then.

`Registry` says what a registry does. `registry_folder.py` keeps one in a folder. Imports nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

from agecli.errors import ConfigError
from agecli.recipe import nearest

Approval = Literal["PendingManualApproval", "Approved", "Rejected"]
Alias = Literal["staging", "production"]
Kind = Literal["register", "approve", "reject", "promote", "rollback"]

PENDING: Approval = "PendingManualApproval"
APPROVED: Approval = "Approved"
REJECTED: Approval = "Rejected"
ALIASES: tuple[Alias, ...] = ("staging", "production")
ARCHIVED = "archived"
KINDS: tuple[Kind, ...] = ("register", "approve", "reject", "promote", "rollback")
VERSION = re.compile(r"v[1-9]\d{0,8}\Z")
DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Entry:
    """One thing that was done to the registry. `at` is UTC.

    `before` and `after` are approvals (register, approve, reject) or places (promote, rollback). `detail` holds
    plain values: the facts of the model for `register`, what the gates found for `promote`.
    """

    number: int
    kind: Kind
    version: str
    at: datetime
    by: str
    reason: str
    before: str | None
    after: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "kind": self.kind,
            "version": self.version,
            "at": self.at.isoformat(timespec="microseconds"),
            "by": self.by,
            "reason": self.reason,
            "from": self.before,
            "to": self.after,
            "detail": dict(self.detail),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Entry:
        """The entry that `to_json` wrote; KeyError, TypeError or ValueError if it is none."""
        kind, version, after, detail = fields["kind"], fields["version"], fields["to"], fields["detail"]
        at = datetime.fromisoformat(fields["at"])
        if kind not in KINDS or not VERSION.match(version) or at.tzinfo is None or not isinstance(detail, dict):
            raise ValueError("no entry of a registry")
        allowed = ALIASES if kind in ("promote", "rollback") else (PENDING, APPROVED, REJECTED)
        if after not in allowed:
            raise ValueError(f"{kind} says nothing that can be done")
        if kind == "register":
            _check_model(detail)
        by, reason, before = fields["by"], fields["reason"], fields["from"]
        if not all(isinstance(text, str) for text in (by, reason, before or "")):
            raise TypeError("who, why and whence are texts")
        return cls(int(fields["number"]), kind, version, at.astimezone(UTC), by, reason, before, after, detail)


def _check_model(facts: Mapping[str, Any]) -> None:
    """KeyError, TypeError or ValueError for facts that cannot be shown or compared as those of a model."""
    if not DIGEST.match(facts["digest"]) or facts["task"] not in ("regression", "classification"):
        raise ValueError("no model")
    for name in ("metrics", "parameters", "overrides", "interval"):
        if not isinstance(facts.get(name) or {}, dict):
            raise TypeError(f"{name} is no table")
    for column in (*facts.get("inputs", ()), *facts.get("outputs", ())):
        if not all(isinstance(column[key], str) for key in ("name", "type")):
            raise TypeError("a schema names columns and types")


@dataclass(frozen=True)
class Note:
    """Who does something to the registry, and why. `detail` goes into the entry as it is."""

    by: str
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Version:
    """A version as it stands. `model` holds the facts that it was registered with: its digest, metrics, schemas."""

    name: str
    model: Mapping[str, Any]
    registered_at: datetime
    registered_by: str
    approval: Approval = PENDING
    stage: str = ARCHIVED
    entries: list[Entry] = field(default_factory=list)

    @property
    def digest(self) -> str:
        return str(self.model["digest"])

    def to_json(self) -> dict[str, Any]:
        """The form that scripts read; it only ever grows."""
        return {
            "version": self.name,
            "approval": self.approval,
            "stage": self.stage,
            "registered_at": self.registered_at.isoformat(timespec="microseconds"),
            "registered_by": self.registered_by,
            **{key: value for key, value in self.model.items() if key not in ("version", "approval", "stage")},
            "history": [
                {key: value for key, value in entry.to_json().items() if key != "detail" or entry.kind != "register"}
                for entry in self.entries
            ],
        }


@dataclass
class State:
    """All versions by name, oldest first, and who held each alias, the present holder last (None: nobody)."""

    versions: dict[str, Version] = field(default_factory=dict)
    holders: dict[str, list[str | None]] = field(default_factory=lambda: {alias: [] for alias in ALIASES})
    warnings: list[str] = field(default_factory=list)

    def holder(self, alias: str) -> str | None:
        """The version in `staging` or `production`."""
        return self.holders[alias][-1] if self.holders[alias] else None

    def find(self, wanted: str) -> Version:
        """The version `v3`, or the one in `staging` or `production`. ConfigError names the nearest known."""
        if wanted in ALIASES:
            held = self.holder(wanted)
            if held is None:
                raise ConfigError(
                    f"nothing is in {wanted}", "no version was promoted to it", f"agecli models promote V --to {wanted}"
                )
            return self.versions[held]
        if not self.versions:
            raise ConfigError(f"no version {wanted!r}", "the registry is empty", "`agecli train` registers a model")
        if wanted not in self.versions:
            held_now = [alias for alias in ALIASES if self.holder(alias)]
            raise ConfigError(
                f"no version {wanted!r}",
                f"there are {len(self.versions)}: `agecli models list` shows them",
                _closest(wanted, [*self.versions, *held_now]),
            )
        return self.versions[wanted]

    def by_digest(self, digest: str) -> Version | None:
        """The version of the model with this digest."""
        return next((version for version in self.versions.values() if version.digest == digest), None)

    def before(self, alias: str) -> str | None:
        """The version that held the alias before the present one.

        Passed over are rejected ones and, where staging is asked for, the one in production: it stays there.
        """
        passed_over = {self.holder(alias), self.holder("production") if alias == "staging" else None}
        for name in reversed(self.holders[alias]):
            if name is not None and name not in passed_over and self.versions[name].approval != REJECTED:
                return name
        return None

    def measure(self, alias: str) -> str | None:
        """The version that one must not be worse than to get the alias: its holder, else who held it last."""
        return self.holder(alias) or self.before(alias)


def _closest(wanted: str, known: list[str]) -> str:
    number = re.fullmatch(r"[vV]?(\d{1,9})", wanted)
    if not number:
        return nearest(wanted, known)
    versions = [name for name in known if VERSION.match(name)]
    return f"did you mean {min(versions, key=lambda name: abs(int(name[1:]) - int(number[1])))}?"


def fold(entries: Iterable[Entry], at: datetime | None = None) -> State:
    """The state that these entries, in order, lead to; with `at`, the state at that moment.

    An entry that cannot be (it names a version that was never registered) is passed over with a warning.
    """
    state = State()
    for entry in entries:
        if at is not None and entry.at > at:
            break
        if (entry.kind == "register") == (entry.version in state.versions):
            state.warnings.append(
                f"registry entry {entry.number} does not count: it cannot {entry.kind} {entry.version}"
            )
        else:
            _apply(state, entry)
    return state


def _apply(state: State, entry: Entry) -> None:
    if entry.kind == "register":
        state.versions[entry.version] = Version(entry.version, entry.detail, entry.at, entry.by)
    version = state.versions[entry.version]
    version.entries.append(entry)
    if entry.kind in ("promote", "rollback"):
        _move(state, version.name, entry.after, entry.kind == "rollback")
    elif entry.after == APPROVED:
        version.approval = APPROVED
    elif entry.after == REJECTED:
        version.approval = REJECTED


def _move(state: State, name: str, alias: str, back: bool) -> None:
    """A version stands in one place: it leaves the alias that it held, and whoever held this one is archived."""
    for other in ALIASES:
        if other != alias and state.holder(other) == name:
            state.holders[other].append(None)
    held = state.holders[alias]
    if back and name in held:
        last = len(held) - 1 - held[::-1].index(name)
        del held[last + 1 :]
    else:
        held.append(name)
    for version in state.versions.values():
        version.stage = next((a for a in ALIASES if state.holder(a) == version.name), ARCHIVED)


class Registry(Protocol):
    """Where the versions of one recipe's model are kept. Whatever is done is added; nothing is ever changed."""

    def entries(self) -> tuple[Entry, ...]:
        """All that was done, in order."""
        ...

    def warnings(self) -> tuple[str, ...]:
        """What was found in the registry's place that is not of it, or cannot be read."""
        ...

    def register(self, model: Mapping[str, Any], note: Note) -> Version:
        """The version of this model (facts with its digest); a model that is there already keeps its version."""
        ...

    def decide(self, version: str, approval: Approval, note: Note) -> Version:
        """Approves or rejects a version."""
        ...

    def promote(self, version: str, alias: Alias, note: Note, instead_of: str | None) -> Version:
        """Gives a version the alias that `instead_of` holds. ConfigError if another holds it by now."""
        ...

    def rollback(self, alias: Alias, note: Note) -> Version:
        """Gives the alias back to the version that held it before. ConfigError if there is none."""
        ...


def moment(text: str) -> datetime:
    """A moment in UTC: `2026-03-03` is that day's end, `2026-W10` that week's, `2026-03-03T12:00` the minute.

    ConfigError for other texts.
    """
    try:
        found = datetime.fromisoformat(text)
        whole_day = re.fullmatch(r"\d{4}-?\d\d-?\d\d|\d{4}-?W\d\d-?\d", text)
        whole_week = re.fullmatch(r"\d{4}-?W\d\d", text)
        aware = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        days = 1 if whole_day else 7 if whole_week else 0
        return aware + timedelta(days=days, microseconds=-1) if days else aware
    except (ValueError, OverflowError):
        raise ConfigError(
            f"cannot read the moment {text!r}", "it is no ISO date or time", "--at 2026-03-03, --at 2026-03-03T12:00"
        ) from None
