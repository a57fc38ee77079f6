"""One SELECT of a query: its conditions, its items, and the columns that they give to what is around it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agecli.cost import conditions
from agecli.cost.names import From, Scope, chain_of, has_aggregates, has_subquery, has_window, type_below
from agecli.cost.usage import FILTER, Output, Path
from agecli.engines.dialect import ast
from agecli.engines.dialect.grouping import aggregate_calls
from agecli.engines.dialect.trees import parts_of
from agecli.errors import SqlInvalid

if TYPE_CHECKING:
    from agecli.cost.columns import Binder

Windows = tuple[tuple[str, ast.Window], ...]


@dataclass(frozen=True)
class SortKey:
    """A sort key, used when called: a position, an output column, or an expression."""

    binder: Binder
    scope: Scope
    outputs: tuple[Output, ...]
    value: ast.Expr

    def __call__(self) -> None:
        if isinstance(self.value, ast.Literal) and self.value.kind == "integer":
            position = int(self.value.text)
            if not 1 <= position <= len(self.outputs):
                raise SqlInvalid("the SQL does not parse", f"ORDER BY {position} is not in the SELECT list")
            self.outputs[position - 1].use(())
            return
        self.binder.walk(self.value, self.scope)


class Selection:
    """One SELECT."""

    def __init__(self, binder: Binder, node: ast.Select, outer: Scope) -> None:
        self.binder, self.node = binder, node
        source = binder.relation(node.source, outer) if node.source is not None else From()
        self.source = source
        self.scope = Scope(source.columns, outer, open=source.open)

    def bind(self, order: Sequence[ast.SortItem]) -> tuple[From, list[SortKey]]:
        node, walk = self.node, self.binder.walk
        if node.where is not None:
            self.where(node.where)
        for _, sets in node.grouping or ():
            for one in sets:
                for key in one:
                    walk(self.item_at(key), self.scope)
        if node.having is not None:
            self.binder.condition(node.having, self.scope, windows=node.windows)
            add_condition(self.source, 1)
        columns, opened = self.items()
        if has_aggregates(node) and not self.has_keys():
            columns = self.of_one_row(columns)
        if node.distinct:
            for column in columns:
                column.use(())
        known = {c.name.lower(): c for c in columns if c.name}
        outputs = Scope(tuple(known.values()), self.scope, open=False)
        keys = [SortKey(self.binder, outputs, columns, item.value) for item in order]
        return From(columns, self.source.mentions, opened), keys

    def where(self, node: ast.Expr) -> None:
        if isinstance(node, ast.Literal) and node.kind == "boolean" and node.text.lower() == "true":
            return
        self.binder.condition(node, self.scope)
        add_condition(self.source, conditions.count(node))
        self.binder.push(node, self.scope)

    def has_keys(self) -> bool:
        return any(one for _, sets in self.node.grouping or () for one in sets)

    def of_one_row(self, columns: tuple[Output, ...]) -> tuple[Output, ...]:
        """Aggregates without GROUP BY: a filter that all of them have becomes one of the source, and where no one
        uses them, nothing is read, since there is one row in any case."""
        values = [i.value for i in self.node.items if isinstance(i, ast.Item)]
        filters = [call.filter for call in aggregate_calls((*values, self.node.having))]
        if None not in filters:
            for kept in filters:
                self.binder.condition(kept, self.scope, windows=self.node.windows)
            add_condition(self.source, 1)
        used: list[bool] = []
        self.binder.single_rows.append((used, self.source.mentions))

        def using(column: Output) -> Output:
            def use(below: Path) -> None:
                used.append(True)
                column.use(below)

            return replace(column, use=use)

        return tuple(map(using, columns))

    def item_at(self, key: ast.Expr) -> ast.Expr:
        """GROUP BY 2 means the second item of the SELECT list."""
        if isinstance(key, ast.Literal) and key.kind == "integer":
            position = int(key.text)
            item = self.node.items[position - 1] if 1 <= position <= len(self.node.items) else None
            if isinstance(item, ast.Item):
                return item.value
        return key

    def items(self) -> tuple[tuple[Output, ...], bool]:
        columns: list[Output] = []
        opened = False
        for item in self.node.items:
            if not isinstance(item, ast.Star):
                columns.append(self.item(item))
            elif item.base is None or (isinstance(item.base, ast.Name) and self.scope.has_relation(item.base.name)):
                wanted = item.base.name.lower() if isinstance(item.base, ast.Name) else None
                hits = [c for c in self.source.columns if wanted in (None, (c.relation or "").lower())]
                if not hits and not self.source.open:
                    raise SqlInvalid("the SQL has a * without columns", "there is nothing of that name in FROM")
                names = item.names or [c.name for c in hits]
                columns += [self.passed(c).called(None, n) for c, n in zip(hits, names, strict=False)]
                opened = opened or self.source.open
            else:
                self.binder.walk(item.base, self.scope)
                opened = True
        return tuple(columns), opened

    def passed(self, column: Output) -> Output:
        return column if self.is_plain else column.hidden()

    @functools.cached_property
    def is_plain(self) -> bool:
        """Whether conditions above this SELECT pass through it to its source."""
        node = self.node
        windowed = any(has_window(i.value) for i in node.items if isinstance(i, ast.Item))
        return not (node.distinct or node.grouping is not None or windowed or has_aggregates(node))

    def item(self, item: ast.Item) -> Output:
        chain = chain_of(item.value)
        name = item.alias or (item.value.name if isinstance(item.value, ast.Name | ast.Field) else None)
        if chain is not None:
            output, below = self.binder.resolve(chain, self.scope)
            bases = output.bases if not below and self.is_plain else ()

            def use_field(further: Path) -> None:
                output.use((*below, *further))

            return Output(None, name, use_field, type_below(output.type, below), bases)
        if has_subquery(item.value):  # it is joined whether or not its value is used
            self.binder.walk(item.value, self.scope, windows=self.node.windows)
            return Output(None, name, lambda further: None)
        used: set[bool] = set()

        def use(further: Path) -> None:
            if further:  # a field of what is made here may be all that is made
                self.binder.may_simplify()
            if self.binder.in_condition not in used:
                used.add(self.binder.in_condition)
                self.binder.walk(item.value, self.scope, windows=self.node.windows)

        _check(self.binder, item.value, self.scope)
        return Output(None, name, use)


def _check(binder: Binder, node: object, scope: Scope, lambdas: frozenset[str] = frozenset()) -> None:
    """Raises SqlInvalid for names that are not there, also in an expression that no one uses."""
    if isinstance(node, ast.Lambda):
        _check(binder, node.body, scope, lambdas | {p.lower() for p in node.parameters})
    elif isinstance(node, ast.Name | ast.Field) and (chain := chain_of(node)) is not None:
        if chain[0].lower() not in lambdas:
            binder.resolve(chain, scope)
    elif not isinstance(node, ast.Query):
        for part in parts_of(node):
            _check(binder, part, scope, lambdas)


def add_condition(made: From, count: int) -> None:
    """So many more conditions, which may leave out rows of all that is read below."""
    for mention in made.mentions:
        mention.conditions += count
        mention.cut(FILTER)
