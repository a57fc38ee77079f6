"""Athena's dialect on DuckDB: a typed translator that allows only what is known to mean the same.

    parser     SQL text -> ast            (Trino's grammar)
    queries    ast -> DuckDB SQL          (scopes, exact types; relations, grouping, windows, expressions beside it)
    registry   the list of what is allowed, filled by the functions_* modules

`translate` is the way in.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agecli.engines.dialect import ast, parser
from agecli.engines.dialect.queries import QueryBinder
from agecli.engines.dialect.registry import AGGREGATES, FUNCTIONS
from agecli.engines.dialect.rows import NO_PROJECTION, NOT_READ, RowPlan
from agecli.engines.dialect.scope import Scope, Source, Statement
from agecli.engines.dialect.trees import walk
from agecli.engines.dialect.types import Type
from agecli.errors import SqlRefused

_MODULES = (
    *("cast_list", "functions_casts", "functions_numbers", "functions_text", "functions_regexp", "functions_dates"),
    *("functions_bytes", "functions_urls", "functions_json", "functions_json_sql", "functions_format"),
    *(
        "functions_arrays",
        "functions_sequences",
        "functions_maps",
        "functions_aggregates",
        "functions_windows",
        "functions_statistics",
    ),
)

for _name in _MODULES:
    importlib.import_module(f"{__name__}.{_name}")


@dataclass(frozen=True)
class Translation:
    """DuckDB SQL whose columns are c1, c2, ..., and the names and Trino types that they have; where that is real, the
    column may be a double, which is to be narrowed.

    `volatile` names what gives another answer each time: random(), uuid(), TABLESAMPLE. `by_order` says that the
    order in which rows are met shows in the answer (a sum of doubles, arbitrary(), row_number() among equals), or that
    rows come in an order which nothing in the SQL fixes (joins, groups), so threads would show too. `read` has how
    often each table is named. `rows` is the same SELECT for compiled code, or why that cannot compute it.
    """

    sql: str
    columns: tuple[tuple[str, Type], ...]
    volatile: tuple[str, ...] = ()
    by_order: bool = False
    read: Mapping[str, int] = field(default_factory=dict)
    rows: RowPlan | str = NO_PROJECTION


def translate(sql: str, tables: Mapping[str, Source] | None = None) -> Translation:
    """One SELECT of Athena's dialect as DuckDB SQL. Raises SqlInvalid and SqlRefused; nothing is run."""
    if "agecli_l" in sql:
        raise SqlRefused("the SQL is refused", "names that begin with agecli_l are kept for agecli itself", "rename it")
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, _DEEPEST))
    try:
        return _translate(sql, Statement(tables or {}, sql))
    except RecursionError:
        raise SqlRefused("the SQL is refused", "it is nested too deeply", "take parts of it into WITH") from None
    finally:
        sys.setrecursionlimit(usual)


def _translate(sql: str, statement: Statement) -> Translation:
    tree = parser.parse(sql)
    if isinstance(tree.body, ast.Select) and not tree.body.distinct and not tree.order:
        statement.outermost = tree.body
    bound = QueryBinder(statement).query(tree, Scope())
    names = tuple((name or f"_col{i}", kind) for i, (name, kind) in enumerate(bound.columns))
    emitted = statement.programs.finished(bound.sql, bound.origin.relation if bound.origin is not None else None)
    rows: RowPlan | str = NO_PROJECTION if statement.programs.on else NOT_READ
    if bound.origin is not None:
        columns = [(name, one.row) for (name, _), one in zip(names, bound.origin.known, strict=True)]
        under = statement.programs.under
        rows = statement.programs.rows.plan(tree, bound.origin.relation, under, columns, statement.read)
    nodes = list(walk(tree))
    volatile = tuple(sorted({name for node in nodes for name in _volatile(node)}))
    return Translation(emitted, names, volatile, any(map(_by_order, nodes)), statement.read, rows)


_DEEPEST = 6_000  # calls: some 900 ANDs or ORs in a row
_ANY_ORDER = frozenset(("count", "count_if", "min", "max", "bool_and", "bool_or", "every"))
_SHUFFLING = (
    ast.Join, ast.Unnest, ast.SetOperation, ast.Window, ast.SortItem,
    ast.InQuery, ast.Quantified, ast.Exists, ast.Scalar,
)  # fmt: skip


def _by_order(node: object) -> bool:
    """Does what this node gives depend on the order in which rows are met, or does it leave theirs to chance?"""
    if isinstance(node, ast.Call):
        return node.over is not None or (node.name in AGGREGATES and node.name not in _ANY_ORDER)
    if isinstance(node, ast.Select):
        return bool(node.distinct or node.grouping is not None or node.group_distinct)
    if isinstance(node, ast.Query):
        return node.limit is not None or node.offset is not None
    return isinstance(node, _SHUFFLING)


def _volatile(node: object) -> Iterator[str]:
    """The name of a call or sample that gives another answer each time."""
    if isinstance(node, ast.Call) and any(overload.volatile for overload in FUNCTIONS.get(node.name, ())):
        yield node.name
    if isinstance(node, ast.Sampled):
        yield "TABLESAMPLE"


__all__ = ["Source", "Translation", "translate"]
