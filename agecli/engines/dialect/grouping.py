"""Aggregation: finds the keys of GROUP BY again in the SELECT list, and collects the aggregates it uses.

A grouped SELECT is emitted in two levels: the inner one computes keys (k1, k2, ...) and aggregates (a1, a2, ...), the
outer one the expressions over them. So nothing depends on how DuckDB resolves names in GROUP BY.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from agecli.engines.dialect import ast, windows
from agecli.engines.dialect.calls import translate_call
from agecli.engines.dialect.casts import apply
from agecli.engines.dialect.expressions import ExpressionBinder
from agecli.engines.dialect.registry import AGGREGATES, Typed
from agecli.engines.dialect.scope import Scope, Statement, Visible
from agecli.engines.dialect.trees import walk
from agecli.engines.dialect.types import INTEGER
from agecli.errors import AgecliError, SqlInvalid, SqlRefused

Grouping = tuple[tuple[str, tuple[tuple[ast.Expr, ...], ...]], ...]


class GroupedBinder(ExpressionBinder):
    """Expressions above a GROUP BY, over its keys and aggregates."""

    def __init__(
        self,
        statement: Statement,
        scope: Scope,
        keys: Sequence[tuple[ast.Expr, Typed]],
        named_windows: dict[str, ast.Window],
    ) -> None:
        super().__init__(statement, scope, named_windows)
        self.keys = keys
        self.source = ExpressionBinder(statement, scope)
        self.aggregates: dict[str, Typed] = {}

    def bind(self, node: ast.Expr) -> Typed:
        key = self.key_of(node)
        return key if key is not None else super().bind(node)

    def key_of(self, node: ast.Expr) -> Typed | None:
        """The key that this expression is, if it is one."""
        for index, (written, value) in enumerate(self.keys):
            if type(written) is not type(node) and not isinstance(written, ast.Name | ast.Field):
                continue
            if isinstance(node, ast.Literal) or not isinstance(node, ast.Name | ast.Field | type(written)):
                continue
            if written == node or self.same(node, value):
                return dataclasses.replace(value, sql=f"g.k{index + 1}", fails=False, quiet=None)
        return None

    def same(self, node: ast.Expr, key: Typed) -> bool:
        if any(True for _ in aggregate_calls(node)) or (isinstance(node, ast.Name) and self.lambdas):
            return False
        try:
            made = self.source.bind(node)
        except AgecliError:
            return False
        return made.sql == key.sql and made.type == key.type

    def column(self, found: Visible, owner: Scope) -> Typed:
        if owner is not self.scope:
            return found.value
        for index, (_, value) in enumerate(self.keys):
            if value.sql == found.value.sql:
                return dataclasses.replace(value, sql=f"g.k{index + 1}", fails=False, quiet=None)
        raise SqlInvalid(
            "the SQL has a column that is neither grouped nor aggregated",
            f"{found.name} must be an aggregate expression or appear in GROUP BY",
        )

    def inner_scope(self) -> Scope:
        """Subqueries may see the grouped columns only."""
        visible = []
        for column in super().inner_scope().columns:
            try:
                visible.append(dataclasses.replace(column, value=self.column(column, self.scope)))
            except SqlInvalid:
                continue
        return dataclasses.replace(self.scope, columns=tuple(visible))

    def aggregate(self, node: ast.Call) -> Typed:
        if self.lambdas:
            raise SqlInvalid("the SQL has an aggregate inside a lambda", node.name)
        if node.nulls:
            raise SqlRefused(f"{node.name} IGNORE NULLS is refused", "it is not supported", "use FILTER")
        made = self.aggregate_sql(node)
        known = self.aggregates.get(made.sql)
        if known is None:
            known = dataclasses.replace(made, sql=f"g.a{len(self.aggregates) + 1}", fails=False, quiet=None)
            self.aggregates[made.sql] = known
        return known

    def aggregate_sql(self, node: ast.Call) -> Typed:
        if node.name == "grouping":
            return self.grouping(node)
        with self.statement.at("aggregate"):
            return self.aggregate_of_rows(node)

    def aggregate_of_rows(self, node: ast.Call) -> Typed:
        source = self.source
        source.named_windows = {}
        args = source.arguments(node.args)
        overload, call = translate_call(node.name, AGGREGATES[node.name], args, source.bind_lambda)
        made = apply(overload, call)
        if (node.distinct and windows.DISTINCT not in made.sql) or (node.order and windows.ORDER not in made.sql):
            raise SqlRefused(
                f"{node.name} with DISTINCT or ORDER BY is refused", "it is not supported", "use a subquery"
            )
        keys = ", ".join(windows.sort_sql(source.bind(item.value), item) for item in node.order)
        condition = source.boolean(node.filter, "FILTER") if node.filter is not None else None
        after = f" FILTER (WHERE {condition.sql})" if condition is not None else ""
        sql = windows.filled(made.sql, "DISTINCT " if node.distinct else "", f" ORDER BY {keys}" if keys else "", after)
        return dataclasses.replace(made, sql=sql)

    def grouping(self, node: ast.Call) -> Typed:
        keys = [self.key_of(a) for a in node.args]
        if not keys or any(k is None for k in keys):
            raise SqlInvalid("the SQL has GROUPING of what is not grouped", "its arguments have to be in GROUP BY")
        listed = ", ".join(self.keys[int(k.sql.removeprefix("g.k")) - 1][1].sql for k in keys if k is not None)
        return Typed(f"CAST(GROUPING({listed}) AS INTEGER)", INTEGER)


def aggregate_calls(node: Any) -> Iterator[ast.Call]:
    """The aggregates in an expression, leaving out those of subqueries inside it."""
    for one in walk(node, (ast.Query,)):
        if isinstance(one, ast.Call) and one.over is None and (one.name in AGGREGATES or one.name == "grouping"):
            yield one


def check_sets(grouping: Grouping, binder: ExpressionBinder) -> None:
    """ROLLUP, CUBE and GROUPING SETS take columns only: no expressions, and no positions in the SELECT list."""
    columns = {c.value.sql for c in binder.scope.columns}
    for node in (e for kind, sets in grouping if kind != "simple" for one in sets for e in one):
        if not isinstance(node, ast.Name | ast.Field) or binder.bind(node).sql not in columns:
            raise SqlInvalid("the SQL groups by sets of what is no column", "ROLLUP, CUBE, GROUPING SETS need columns",
                             "compute it in a subquery, and name the column")  # fmt: skip


def expanded(grouping: Grouping) -> list[list[ast.Expr]]:
    """The grouping sets that GROUP BY's elements stand for: their cross product."""
    found: list[list[ast.Expr]] = [[]]
    for kind, sets in grouping:
        options = _options(kind, sets)
        found = [[*before, *more] for before in found for more in options]
    return found


def _options(kind: str, sets: tuple[tuple[ast.Expr, ...], ...]) -> list[list[ast.Expr]]:
    if kind in ("simple", "sets"):
        return [list(s) for s in sets]
    if kind == "rollup":
        return [[e for s in sets[:n] for e in s] for n in range(len(sets), -1, -1)]
    chosen: list[list[ast.Expr]] = [[]]
    for one in reversed(sets):
        chosen = [[*one, *rest] for rest in chosen] + chosen
    return chosen
