"""What names mean at a place in a query: columns of the relations in FROM, of the queries around, and WITH queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from agecli.engines.dialect import ast
from agecli.engines.dialect.programs import Known, Programs
from agecli.engines.dialect.registry import Typed
from agecli.engines.dialect.types import Type
from agecli.errors import SqlInvalid


@dataclass(frozen=True)
class Source:
    """A table that SQL may name: its columns, and the DuckDB SQL of a relation that has them under these names.

    `plain` says what in Parquet files the columns are, where they are read as they lie there.
    """

    columns: tuple[tuple[str, Type], ...]
    sql: str
    inside: Inside | None = None
    plain: Any = None


@dataclass(frozen=True)
class Inside:
    """A SELECT in the place of a table: its SQL in Athena's dialect, the tables that it names, and what gives the
    DuckDB SQL of each column over the SELECT's, which are c1, c2, ... of the alias that it is told.

    `counted` are the numbers of the columns that a tally counts, and `identity` of those that it sums up. The first of
    these is at the place `tallied`, and its SQL has the tally in it.
    """

    sql: str
    tables: Mapping[str, Source]
    columns: Callable[[str], Sequence[str]]
    counted: tuple[int, ...] = ()
    identity: tuple[int, ...] = ()
    tallied: int = 0


@dataclass(frozen=True)
class Visible:
    """A column that can be named: by itself, and after the alias of its relation."""

    relation: str | None
    name: str | None
    value: Typed


@dataclass(frozen=True)
class Bound:
    """A translated query: SQL whose columns are c1, c2, ..., and their names and types."""

    sql: str
    columns: tuple[tuple[str | None, Type], ...]
    origin: Origin | None = None


@dataclass(frozen=True)
class Origin:
    """Of a plain SELECT over one relation: that relation's alias, and what is known of the columns."""

    relation: str
    known: tuple[Known, ...]


@dataclass(frozen=True)
class CommonQuery:
    """A WITH query: the name it has in the emitted SQL, and its columns."""

    sql_name: str
    columns: tuple[tuple[str | None, Type], ...]
    origin: Origin | None = None


@dataclass(frozen=True)
class Scope:
    columns: tuple[Visible, ...] = ()
    outer: Scope | None = None
    commons: Mapping[str, CommonQuery] = field(default_factory=dict)

    def find(self, name: str, relation: str | None = None) -> tuple[Visible, Scope] | None:
        """The column of that name here, else in the queries around. Raises SqlInvalid where several have it."""
        wanted = name.lower()
        hits = [
            c
            for c in self.columns
            if c.name is not None
            and c.name.lower() == wanted
            and (relation is None or (c.relation or "").lower() == relation.lower())
        ]
        if len(hits) > 1:
            raise SqlInvalid("the SQL names a column that is ambiguous", f"{name} is in more than one relation")
        if hits:
            return hits[0], self
        return self.outer.find(name, relation) if self.outer else None

    def has_relation(self, relation: str) -> bool:
        here = any((c.relation or "").lower() == relation.lower() for c in self.columns)
        return here or (self.outer is not None and self.outer.has_relation(relation))

    def names(self) -> list[str]:
        return sorted({c.name for c in self.columns if c.name})


class Statement:
    """What the parts of one translation share: tables, a counter for names, the query binder, the columns met."""

    def __init__(self, tables: Mapping[str, Source], sql: str = "") -> None:
        behind = [source.inside.sql for source in tables.values() if source.inside is not None]
        self.programs = Programs(" ".join([sql, *behind]))
        self.tables = {name.lower(): source for name, source in tables.items()}
        self.outermost: ast.Body | None = None  # the SELECT whose rows are the result, as they come
        self.read: Counter[str] = Counter()  # how often each table is
        self.count = 0
        self.place = ""
        self.uses: list[tuple[Scope, str]] = []  # whose columns are mentioned, and in which clause
        self.bind_query: Callable[[ast.Query, Scope, str], Bound]

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Columns met meanwhile are mentioned in this clause."""
        before, self.place = self.place, place
        try:
            yield
        finally:
            self.place = before

    @contextmanager
    def within(self, tables: Mapping[str, Source]) -> Iterator[None]:
        """SQL meanwhile names these tables."""
        before, self.tables = self.tables, {name.lower(): source for name, source in tables.items()}
        try:
            yield
        finally:
            self.tables = before

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"
