"""Correlated subqueries: which of them Trino can run. It refuses many that DuckDB answers, so only those are allowed.

Seen on Trino 476, by where the subquery stands ("scalar", "exists", "in" for IN, ANY and ALL, "lateral"):

- it looks one query up, never two, and from WHERE; from the SELECT list beside aggregates over all its rows;
- DISTINCT, GROUP BY and LIMIT go with comparisons `inner column = outer value` alone, LIMIT with ORDER BY;
- IN takes none of these, nor aggregates; no window functions, HAVING, OFFSET or set operations anywhere;
- FROM UNNEST(outer array) goes without WHERE, and nothing else looks up from FROM.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agecli.engines.dialect import ast
from agecli.engines.dialect.grouping import aggregate_calls
from agecli.engines.dialect.scope import Scope
from agecli.engines.dialect.trees import walk
from agecli.errors import SqlRefused

Uses = Sequence[tuple[Scope, str]]
Owners = Callable[[ast.Expr], Sequence[Scope]]


def check(kind: str, query: ast.Query, uses: Uses, outer: Scope, owners: Owners) -> None:
    """Raises SqlRefused for a subquery that Trino does not run.

    `uses` are the scopes whose columns it mentions, each with the clause; `owners` gives those of one expression.
    """
    around = enclosing(outer)
    places = {place for owner, place in uses if any(owner is scope for scope in around)}
    if not places:
        return
    why = "it looks at columns of a query further out than the one around it"
    if not any(owner is scope for owner, _ in uses for scope in around[1:]):
        why = _objection(kind, query, places, lambda: _only_equal(query.body, around[0], owners))
    if why:
        raise SqlRefused("a correlated subquery is refused", f"Trino does not support it: {why}",
                         "write it as a join, or aggregate in a WITH query first")  # fmt: skip


def enclosing(scope: Scope | None) -> list[Scope]:
    """The scopes with columns from this one outwards."""
    found = []
    while scope is not None:
        if scope.columns:
            found.append(scope)
        scope = scope.outer
    return found


def _objection(kind: str, query: ast.Query, places: set[str], only_equal: Callable[[], bool]) -> str:
    select = query.body
    if not isinstance(select, ast.Select) or query.offset is not None or query.commons:
        return "it is more than one SELECT, or has OFFSET or WITH"
    if {"having", "order", "group"} & places:
        return "it looks up from GROUP BY, HAVING or ORDER BY"
    if _has_windows(select):
        return "it has window functions"
    if select.source is None:
        return "it has WHERE without FROM" if select.where is not None and kind != "exists" else ""
    if "from" in places:
        return _unnest_objection(kind, select)
    if "aggregate" in places:
        return "it looks up from inside an aggregate"
    whole = select.grouping is None and _aggregates(select)
    if "select" in places and not whole and kind != "exists":
        return "it looks up from the SELECT list"
    return _shape_objection(kind, query, select, whole, only_equal)


def _shape_objection(
    kind: str, query: ast.Query, select: ast.Select, whole: bool, only_equal: Callable[[], bool]
) -> str:
    limited = query.limit is not None and not whole
    reduced = select.distinct or select.grouping is not None
    if kind == "in":
        return "IN takes no DISTINCT, GROUP BY, LIMIT or aggregate" if whole or reduced or limited else ""
    if select.grouping is not None and any(sort != "simple" for sort, _ in select.grouping):
        return "it has grouping sets"
    if limited and not query.order and kind != "exists":
        return "it has LIMIT without ORDER BY"
    if (limited or (reduced and kind != "lateral")) and not only_equal():
        return "DISTINCT, GROUP BY and LIMIT need comparisons of the form inner column = outer value"
    return ""


def _unnest_objection(kind: str, select: ast.Select) -> str:
    source = select.source.relation if isinstance(select.source, ast.Aliased) else select.source
    plain = select.where is None and select.grouping is None and select.having is None and not select.distinct
    if not isinstance(source, ast.Unnest):
        return "it looks up from FROM"
    return "" if plain and kind != "in" else "UNNEST of an outer column goes without WHERE, GROUP BY, DISTINCT and IN"


def _only_equal(body: ast.Body, around: Scope, owners: Owners) -> bool:
    """Whether every condition that looks up is `inner column = outer value`."""
    assert isinstance(body, ast.Select)
    for node in _conjuncts(body.where):
        if not any(owner is around for owner in owners(node)):
            continue
        if not isinstance(node, ast.Binary) or node.op != "=":
            return False
        sides = [(node.left, node.right), (node.right, node.left)]
        if not any(_is_inner_column(a, around, owners) and _is_outer(b, around, owners) for a, b in sides):
            return False
    return True


def _is_inner_column(node: ast.Expr, around: Scope, owners: Owners) -> bool:
    return isinstance(node, ast.Name | ast.Field) and not any(owner is around for owner in owners(node))


def _is_outer(node: ast.Expr, around: Scope, owners: Owners) -> bool:
    found = owners(node)
    return bool(found) and all(owner is around for owner in found)


def _conjuncts(node: ast.Expr | None) -> list[ast.Expr]:
    if node is None:
        return []
    if isinstance(node, ast.Binary) and node.op == "and":
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [node]


def _aggregates(select: ast.Select) -> bool:
    return any(True for item in select.items if isinstance(item, ast.Item) for _ in aggregate_calls(item.value))


def _has_windows(node: object) -> bool:
    return any(isinstance(one, ast.Call) and one.over is not None for one in walk(node, (ast.Query,)))
