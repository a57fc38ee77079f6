"""The syntax tree of a query in Athena's dialect: what the parser makes and the binder walks.

Nodes are frozen and compare by structure, which is how an expression of the SELECT list is found again among the
keys of GROUP BY. Names are as written; identifiers are compared without case.
"""

from __future__ import annotations

from dataclasses import dataclass


class Expr:
    """An expression."""


class Relation:
    """Something in FROM."""


class Body:
    """What rows come from: SELECT, VALUES, a set operation, or a query in parentheses."""


@dataclass(frozen=True)
class Literal(Expr):
    """kind: integer, decimal, double, varchar, varbinary, boolean, null. `text` without quotes."""

    kind: str
    text: str


@dataclass(frozen=True)
class TypedLiteral(Expr):
    """DATE '2024-01-01', DECIMAL '1.50': a type's words before a string."""

    type: str
    text: str


@dataclass(frozen=True)
class Interval(Expr):
    sign: int
    text: str
    start: str
    end: str | None


@dataclass(frozen=True)
class Name(Expr):
    name: str


@dataclass(frozen=True)
class Field(Expr):
    """base.name: a column of a relation, or a field of a row."""

    base: Expr
    name: str


@dataclass(frozen=True)
class SortItem:
    value: Expr
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True)
class Bound:
    """kind: unbounded preceding, preceding, current row, following, unbounded following."""

    kind: str
    value: Expr | None = None


@dataclass(frozen=True)
class Window:
    partition: tuple[Expr, ...] = ()
    order: tuple[SortItem, ...] = ()
    unit: str | None = None
    start: Bound | None = None
    end: Bound | None = None
    base: str | None = None


@dataclass(frozen=True)
class Call(Expr):
    """A call with all that may follow it. `star` is count(*); `nulls` is 'ignore' or 'respect' where written."""

    name: str
    args: tuple[Expr, ...] = ()
    star: bool = False
    distinct: bool = False
    order: tuple[SortItem, ...] = ()
    filter: Expr | None = None
    nulls: str | None = None
    over: Window | str | None = None


@dataclass(frozen=True)
class Lambda(Expr):
    parameters: tuple[str, ...]
    body: Expr


@dataclass(frozen=True)
class Unary(Expr):
    """op: - + not"""

    op: str
    value: Expr


@dataclass(frozen=True)
class Binary(Expr):
    """op: + - * / % || and or = <> < <= > >= distinct (IS DISTINCT FROM)"""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Between(Expr):
    value: Expr
    low: Expr
    high: Expr


@dataclass(frozen=True)
class InList(Expr):
    value: Expr
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class InQuery(Expr):
    value: Expr
    query: Query


@dataclass(frozen=True)
class Quantified(Expr):
    op: str
    quantifier: str
    value: Expr
    query: Query


@dataclass(frozen=True)
class Exists(Expr):
    query: Query


@dataclass(frozen=True)
class Scalar(Expr):
    """A subquery as a value."""

    query: Query


@dataclass(frozen=True)
class Like(Expr):
    value: Expr
    pattern: Expr
    escape: Expr | None


@dataclass(frozen=True)
class IsNull(Expr):
    value: Expr


@dataclass(frozen=True)
class Cast(Expr):
    value: Expr
    type: str
    safe: bool


@dataclass(frozen=True)
class Case(Expr):
    operand: Expr | None
    whens: tuple[tuple[Expr, Expr], ...]
    default: Expr | None


@dataclass(frozen=True)
class Extract(Expr):
    field: str
    value: Expr


@dataclass(frozen=True)
class AtTimeZone(Expr):
    value: Expr
    zone: Expr


@dataclass(frozen=True)
class ArrayOf(Expr):
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class RowOf(Expr):
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Subscript(Expr):
    base: Expr
    index: Expr


@dataclass(frozen=True)
class SpecialCall(Expr):
    """Calls with words inside: json_exists, json_query, json_value, json_object, json_array.

    `options` are the words after the arguments, upper case, in order.
    """

    name: str
    args: tuple[Expr, ...]
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Star:
    """`*` or `t.*` in a SELECT list; `names` are the aliases of `t.* AS (a, b)`."""

    base: Expr | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    value: Expr
    alias: str | None


@dataclass(frozen=True)
class Select(Body):
    items: tuple[Item | Star, ...]
    distinct: bool = False
    source: Relation | None = None
    where: Expr | None = None
    grouping: tuple[tuple[str, tuple[tuple[Expr, ...], ...]], ...] | None = None
    group_distinct: bool = False
    having: Expr | None = None
    windows: tuple[tuple[str, Window], ...] = ()


@dataclass(frozen=True)
class Values(Body):
    rows: tuple[Expr, ...]


@dataclass(frozen=True)
class SetOperation(Body):
    """op: union, intersect, except"""

    op: str
    all: bool
    left: Body
    right: Body


@dataclass(frozen=True)
class Common:
    """One WITH query."""

    name: str
    columns: tuple[str, ...]
    query: Query


@dataclass(frozen=True)
class Query(Body):
    body: Body
    commons: tuple[Common, ...] = ()
    recursive: bool = False
    order: tuple[SortItem, ...] = ()
    offset: int | None = None
    limit: int | None = None
    with_ties: bool = False


@dataclass(frozen=True)
class TableName(Relation):
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Derived(Relation):
    query: Query
    lateral: bool = False


@dataclass(frozen=True)
class Unnest(Relation):
    items: tuple[Expr, ...]
    ordinality: bool


@dataclass(frozen=True)
class Aliased(Relation):
    relation: Relation
    alias: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Sampled(Relation):
    relation: Relation
    method: str
    percent: Expr


@dataclass(frozen=True)
class Join(Relation):
    """kind: cross, inner, left, right, full, natural"""

    kind: str
    left: Relation
    right: Relation
    on: Expr | None = None
    using: tuple[str, ...] = ()
