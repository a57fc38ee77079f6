"""What names mean at a place in a query, and what kind of expression or query a node of its tree is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agecli.cost.usage import Mention, Output, Path
from agecli.engines.dialect import ast
from agecli.engines.dialect.grouping import aggregate_calls
from agecli.engines.dialect.trees import walk
from agecli.engines.dialect.types import Type
from agecli.errors import SqlInvalid


@dataclass(frozen=True)
class Common:
    node: ast.Common
    scope: Scope


@dataclass(frozen=True)
class Scope:
    """What names mean: columns of FROM, of the queries around, and WITH queries. `open` takes any name."""

    columns: tuple[Output, ...] = ()
    outer: Scope | None = None
    commons: Mapping[str, Common | None] | None = None
    open: bool = False

    def find(self, name: str, relation: str | None = None) -> Output | None:
        wanted = name.lower()
        for column in self.columns:
            named = column.name is not None and column.name.lower() == wanted
            if named and (relation is None or (column.relation or "").lower() == relation.lower()):
                return column
        if self.open and relation is None:
            return Output(None, name, lambda below: None)
        return self.outer.find(name, relation) if self.outer else None

    def has_relation(self, relation: str) -> bool:
        here = any((c.relation or "").lower() == relation.lower() for c in self.columns)
        return here or (self.outer is not None and self.outer.has_relation(relation))

    def common(self, name: str) -> tuple[bool, Common | None]:
        if self.commons is not None and name in self.commons:
            return True, self.commons[name]
        return self.outer.common(name) if self.outer else (False, None)

    def names(self) -> list[str]:
        return sorted({c.name for c in self.columns if c.name})


@dataclass(frozen=True)
class From:
    """A relation: its columns, and the mentions whose rows pass through it."""

    columns: tuple[Output, ...] = ()
    mentions: tuple[Mention, ...] = ()
    open: bool = False


def chain_of(node: ast.Expr | None) -> Path | None:
    """a.b.c as its names; None for any other expression."""
    if isinstance(node, ast.Name):
        return (node.name,)
    if isinstance(node, ast.Field):
        base = chain_of(node.base)
        return None if base is None else (*base, node.name)
    return None


def fields_of(kind: Type | None, names: Path, column: str) -> Path:
    """The fields below a column, lower case. Raises SqlInvalid where its type is known and has none of that name."""
    found: list[str] = []
    for name in names:
        if kind is not None:
            known = [f.lower() if f else None for f in kind.fields] if kind.name == "row" else []
            if name.lower() not in known:
                raise SqlInvalid("the SQL names an unknown field", f"{column} ({kind}) has no field {name}")
        found.append(name.lower())
        kind = type_below(kind, (name,))
    return tuple(found)


def type_below(kind: Type | None, names: Path) -> Type | None:
    for name in names:
        if kind is None or kind.name != "row":
            return None
        known = [f.lower() if f else None for f in kind.fields]
        kind = kind.args[known.index(name.lower())] if name.lower() in known else None
    return kind


def unnested_names(kind: Type | None) -> list[str | None]:
    """Names of the columns that UNNEST makes of a value: a row's fields, key and value of a map, or one without."""
    if kind is not None and kind.name == "map":
        return [None, None]
    if kind is not None and kind.name == "array" and kind.element.name == "row":
        return list(kind.element.fields)
    return [None]


def has_aggregates(node: ast.Body) -> bool:
    """Whether a SELECT reads all its rows before it gives the first: it has an aggregate (not just GROUP BY)."""
    if not isinstance(node, ast.Select):
        return False
    values = [i.value for i in node.items if isinstance(i, ast.Item)]
    return next(aggregate_calls((*values, node.having)), None) is not None


def has_window(node: object) -> bool:
    return any(isinstance(one, ast.Call) and one.over is not None for one in walk(node))


def has_subquery(node: object) -> bool:
    return any(isinstance(one, ast.Query) for one in walk(node))


def has_constant_condition(node: ast.Expr) -> bool:
    """Whether a join's condition has a part that compares with a constant, and so may filter one side."""
    if isinstance(node, ast.Binary) and node.op == "and":
        return has_constant_condition(node.left) or has_constant_condition(node.right)
    if isinstance(node, ast.Binary) and node.op == "=":
        return chain_of(node.left) is None or chain_of(node.right) is None
    return True


def names_table(node: object, table: str) -> bool:
    return any(
        isinstance(one, ast.TableName) and [p.lower() for p in one.parts] == [table.lower()] for one in walk(node)
    )
