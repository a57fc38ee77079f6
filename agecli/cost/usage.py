"""What a query asks of each mention of a table: columns, conditions that reach the reader, what cuts it short.

A mention is one `TableName` of the query after WITH queries are put in their places: Trino reads a table as often as
it is mentioned, and a WITH query as often as it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from agecli.engines.dialect.types import Type

Path = tuple[str, ...]

FILTER = "a filter may leave columns and row groups unread"
JOIN = "a join may prune the other side while it runs, or find nothing to join"
LIMIT = "LIMIT may stop the reading early"
SAMPLE = "TABLESAMPLE may skip parts"
FIELDS = "of rows that a set operation unites, single fields may be read alone"
SIMPLER = "parts of it may be simplified away before anything is read"
SCALAR = "one row that no one looks at may not be worked out"


@dataclass(frozen=True)
class Interval:
    """Values between two bounds; None is no bound. A bound that is `open` is not in it."""

    low: object | None = None
    low_open: bool = False
    high: object | None = None
    high_open: bool = False


@dataclass(frozen=True)
class Predicate:
    """A condition that every row of a mention must meet: the column's value lies in one of the intervals.

    `kind` is the type of the bounds (integer, decimal, double, varchar, date, timestamp, boolean); with `null` the
    condition is also met by NULL, and with `present` it is IS NOT NULL and there are no intervals. `negated`: NOT or <>
    made it, which NaN meets too. `partial`: there is more to the condition than its intervals say.
    """

    path: Path
    kind: str
    intervals: tuple[Interval, ...] = ()
    null: bool = False
    present: bool = False
    negated: bool = False
    partial: bool = False


@dataclass
class Mention:
    """One mention of a table. `paths` are the columns and fields that are needed, lower case, a prefix for all below.

    `filtered` are those of them that conditions and joins use, whose dictionaries and indexes a reader may look into.
    Of all `conditions`, some are known as `predicates`. `cuts` says in words what may leave part of it unread.
    """

    table: str
    paths: set[Path] = field(default_factory=set)
    filtered: set[Path] = field(default_factory=set)
    predicates: list[Predicate] = field(default_factory=list)
    conditions: int = 0
    cuts: list[str] = field(default_factory=list)
    times: int = 1

    def need(self, path: Path, condition: bool) -> None:
        self.paths.add(path)
        if condition:
            self.filtered.add(path)

    def cut(self, why: str) -> None:
        if why not in self.cuts:
            self.cuts.append(why)


@dataclass
class Output:
    """A column that a relation gives. `use` is called with the fields below it that are needed, () for all of it.

    `bases` are the mentions and paths that it stands for unchanged, one for each side of UNION ALL, where a condition
    on it reaches the reader; None for a side where it does not.
    """

    relation: str | None
    name: str | None
    use: Callable[[Path], None]
    type: Type | None = None
    bases: tuple[tuple[Mention, Path] | None, ...] = ()

    def hidden(self) -> Output:
        """The same column where conditions on it do not reach the reader."""
        return Output(self.relation, self.name, self.use, self.type)

    def called(self, relation: str | None, name: str | None) -> Output:
        return Output(relation, name, self.use, self.type, self.bases)


def covered(paths: set[Path]) -> set[str]:
    """The paths, dotted, without those below another."""
    return {".".join(p) for p in paths if not any(p[:n] in paths for n in range(1, len(p)))}


def cut(mentions: Iterable[Mention], why: str) -> None:
    """Says of all these mentions what may leave part of them unread."""
    for mention in mentions:
        mention.cut(why)
