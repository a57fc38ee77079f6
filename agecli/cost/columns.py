"""Which columns a query needs of each table, through WITH queries, subqueries, joins, `*`, UNNEST and fields of rows.

It resolves names as Trino does but asks for no types, so queries that the embedded engine refuses are followed too.
Trino drops what no one uses: a column of a subquery counts only once something outside uses it, while conditions,
join keys, GROUP BY, DISTINCT and set operations always use theirs. Where it is not sure that Trino drops something,
it is counted, so that what comes out is never too little.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from agecli.cost import conditions
from agecli.cost.folding import is_logic, may_fold, terms
from agecli.cost.names import (
    Common,
    From,
    Scope,
    chain_of,
    fields_of,
    has_aggregates,
    has_constant_condition,
    names_table,
    type_below,
    unnested_names,
)
from agecli.cost.selects import Selection, SortKey, Windows, add_condition
from agecli.cost.usage import FIELDS, JOIN, LIMIT, SAMPLE, SCALAR, SIMPLER, Mention, Output, Path, cut
from agecli.engines.dialect import ast, parser
from agecli.engines.dialect.trees import parts_of
from agecli.engines.dialect.types import Type
from agecli.errors import SqlInvalid

Columns = tuple[tuple[str, Type | None], ...]

_MOST_MENTIONS = 2000
_RECURSIONS = 11  # Trino writes the step of a recursive query out ten times, and the anchor once


def mentions(sql: str, tables: Mapping[str, Columns]) -> list[Mention]:
    """Every mention of a table in a SELECT, with what is asked of it. `tables`: name -> columns and their types.

    Raises SqlInvalid for SQL that does not parse or names what is not there, SqlRefused for what is not followed.
    """
    binder = Binder({name.lower(): columns for name, columns in tables.items()})
    made = binder.query(parser.parse(sql), Scope(), root=True)
    for column in made.columns:
        column.use(())
    for used, below in binder.single_rows:
        if not used:
            cut(below, SCALAR)
    return binder.found


def passed(sql: str, tables: Mapping[str, Columns]) -> list[tuple[str, str] | None]:
    """For each column of a SELECT the table and column that it is unchanged, None for what is computed."""
    made = Binder({name.lower(): columns for name, columns in tables.items()}).query(parser.parse(sql), Scope())
    bases = [column.bases[0] if len(column.bases) == 1 else None for column in made.columns]
    return [None if base is None or len(base[1]) != 1 else (base[0].table, base[1][0]) for base in bases]


class Binder:
    """Follows one query. `found` are its mentions of tables in order; `single_rows` what gives one row in any case,
    with a word for each use of it; `in_condition` while what is used may reach the reader as a condition."""

    def __init__(self, tables: Mapping[str, Columns]) -> None:
        self.tables = tables
        self.found: list[Mention] = []
        self.single_rows: list[tuple[list[bool], tuple[Mention, ...]]] = []
        self.in_condition = False

    # --- queries

    def query(self, node: ast.Query, outer: Scope, root: bool = False) -> From:
        scope = outer
        for common in node.commons:
            inner = replace(scope, commons={**(scope.commons or {}), common.name.lower(): None})
            inside = inner if node.recursive and names_table(common.query, common.name) else scope
            known = {**(scope.commons or {}), common.name.lower(): Common(common, inside)}
            scope = replace(scope, commons=known)
        made, keys = self.body(node.body, scope, node.order)
        for key in keys:
            key()
        if node.order and not root and node.limit is None:
            cut(made.mentions, "the order of a subquery may be dropped")
        if node.limit is not None or node.offset is not None:
            stops = node.limit is not None and not node.order and not has_aggregates(node.body)
            if stops or node.limit == 0:
                cut(made.mentions, LIMIT)
            made = replace(made, columns=tuple(c.hidden() for c in made.columns))
        return made

    def body(self, node: ast.Body, scope: Scope, order: Sequence[ast.SortItem]) -> tuple[From, list[SortKey]]:
        if isinstance(node, ast.Select):
            return Selection(self, node, scope).bind(order)
        if isinstance(node, ast.Query):
            made = self.query(node, scope)
        elif isinstance(node, ast.Values):
            made = self.values(node, scope)
        else:
            assert isinstance(node, ast.SetOperation)
            made = self.set_operation(node, scope)
        outputs = Scope(made.columns, open=made.open)
        return made, [SortKey(self, outputs, made.columns, item.value) for item in order]

    def values(self, node: ast.Values, scope: Scope) -> From:
        for row in node.rows:
            self.walk(row, scope)
        first = node.rows[0]
        width = len(first.items) if isinstance(first, ast.RowOf) else 1
        return From(tuple(Output(None, None, lambda below: None) for _ in range(width)))

    def set_operation(self, node: ast.SetOperation, scope: Scope) -> From:
        left, right = self.body(node.left, scope, ())[0], self.body(node.right, scope, ())[0]
        both = (*left.mentions, *right.mentions)
        opened = left.open or right.open
        if not opened and len(left.columns) != len(right.columns):
            raise SqlInvalid("the SQL does not parse", f"the sides of {node.op.upper()} differ in columns")
        if opened or not (node.op == "union" and node.all):
            for column in (*left.columns, *right.columns):
                column.use(())
        columns = []
        for one, two in zip(left.columns, right.columns, strict=False):

            def use(below: Path, one: Output = one, two: Output = two) -> None:
                if below:
                    cut(both, FIELDS)
                one.use(())
                two.use(())

            same = node.op == "union" and node.all and one.type is not None and one.type == two.type
            columns.append(Output(None, one.name, use, one.type, (*one.bases, *two.bases) if same else ()))
        return From(tuple(columns), both, opened)

    # --- relations

    def relation(self, node: ast.Relation, outer: Scope) -> From:
        if isinstance(node, ast.TableName):
            return self.table(node, outer)
        if isinstance(node, ast.Derived):
            made = self.query(node.query, outer if node.lateral else replace(outer, columns=()))
            return replace(made, columns=tuple(c.called(None, c.name) for c in made.columns))
        if isinstance(node, ast.Aliased):
            return self.aliased(node, outer)
        if isinstance(node, ast.Sampled):
            made = self.relation(node.relation, outer)
            cut(made.mentions, SAMPLE)
            return replace(made, columns=tuple(c.hidden() for c in made.columns))
        if isinstance(node, ast.Unnest):
            return self.unnest(node, outer)
        assert isinstance(node, ast.Join)
        return self.join(node, outer)

    def table(self, node: ast.TableName, outer: Scope) -> From:
        name = ".".join(node.parts).lower()
        if len(node.parts) == 1:
            known, common = outer.common(name)
            if known:
                return self.common(common, node.parts[0])
        columns = self.tables.get(name)
        if columns is None:
            known_names = ", ".join(sorted(self.tables)) or "no tables"
            why = f"{'.'.join(node.parts)} is not among: {known_names}"
            raise SqlInvalid("the SQL names an unknown table", why, "correct the name")
        mention = Mention(name)
        self.found.append(mention)
        if len(self.found) > _MOST_MENTIONS:
            why = f"its WITH queries multiply to more than {_MOST_MENTIONS} mentions of tables"
            raise SqlInvalid("the SQL is too large to follow", why, "write parts of it as tables first")
        return From(tuple(self.column(mention, node.parts[-1], *column) for column in columns), (mention,))

    def column(self, mention: Mention, relation: str, name: str, kind: Type | None) -> Output:
        path = (name.lower(),)
        return Output(
            relation, name, lambda below: mention.need((*path, *below), self.in_condition), kind, ((mention, path),)
        )

    def condition(self, node: object, scope: Scope, windows: Windows = ()) -> None:
        """Uses every column below a condition, which may reach the reader."""
        before, self.in_condition = self.in_condition, True
        self.walk(node, scope, windows=windows)
        self.in_condition = before

    def may_simplify(self) -> None:
        """Something in an expression may go before it is read: no figure so far is exact."""
        cut(self.found, SIMPLER)

    def common(self, common: Common | None, name: str) -> From:
        if common is None:  # the recursive query itself, inside its own definition
            return From((), (), open=True)
        first = len(self.found)
        made = self.query(common.node.query, replace(common.scope, columns=()))
        names: Sequence[str | None] = common.node.columns or [c.name for c in made.columns]
        if len(names) != len(made.columns) and not made.open:
            raise SqlInvalid("the SQL does not parse", f"{name} has {len(made.columns)} columns")
        columns = tuple(c.called(name, n) for c, n in zip(made.columns, names, strict=False))
        if common.scope.commons is not None and common.scope.commons.get(name.lower(), common) is None:
            for column in columns:
                column.use(())
            for mention in self.found[first:]:
                mention.times *= _RECURSIONS
                mention.cut("a recursive query may stop before its tenth step")
        return replace(made, columns=columns)

    def aliased(self, node: ast.Aliased, outer: Scope) -> From:
        made = self.relation(node.relation, outer)
        if node.columns and len(node.columns) != len(made.columns) and not made.open:
            why = f"{node.alias} has {len(made.columns)} columns, and {len(node.columns)} names are given"
            raise SqlInvalid("the SQL does not parse", why)
        names: Sequence[str | None] = node.columns or [c.name for c in made.columns]
        columns = [c.called(node.alias, n) for c, n in zip(made.columns, names, strict=False)]
        columns += [Output(node.alias, n, lambda below: None) for n in names[len(made.columns) :]]
        return replace(made, columns=tuple(columns))

    def unnest(self, node: ast.Unnest, scope: Scope) -> From:
        """Rows of arrays: their columns are named by an alias, or by the fields of rows, which are not followed."""
        columns: list[Output] = []
        for item in node.items:
            kind = self.type_of(item, scope)
            self.walk(item, scope)
            for name in unnested_names(kind):
                columns.append(Output(None, name, lambda below: None))
        if node.ordinality:
            columns.append(Output(None, None, lambda below: None))
        sure = all(self.type_of(item, scope) is not None for item in node.items)
        return From(tuple(columns), (), open=not sure)

    def type_of(self, node: ast.Expr, scope: Scope) -> Type | None:
        chain = chain_of(node)
        found = self.resolve(chain, scope) if chain else None
        return type_below(found[0].type, found[1]) if found else None

    def join(self, node: ast.Join, outer: Scope) -> From:
        left = self.relation(node.left, outer)
        bare = node.right.relation if isinstance(node.right, ast.Aliased) else node.right
        unnests = isinstance(bare, ast.Unnest)
        sees = unnests or (isinstance(bare, ast.Derived) and bare.lateral)
        around = Scope(left.columns, outer, open=left.open) if sees else outer
        right = self.relation(node.right, around)
        both = (*left.mentions, *right.mentions)
        if not unnests and node.kind not in ("left", "full"):
            cut(both, JOIN)
        if sees and not unnests:
            cut(both, JOIN)
        columns = self.joined(node, left, right)
        scope = Scope(columns, outer, open=left.open or right.open)
        if node.on is not None:
            self.condition(node.on, scope)
            if not (isinstance(node.on, ast.Literal) and node.on.text == "true"):
                self.condition_of_join(node, left, right, outer)
        return From(columns, both, scope.open)

    def condition_of_join(self, node: ast.Join, left: From, right: From, outer: Scope) -> None:
        """Conditions in ON reach the side whose rows they drop."""
        assert node.on is not None
        reached = [c if node.kind in ("inner", "right", "cross") else c.hidden() for c in left.columns]
        reached += [c if node.kind in ("inner", "left", "cross") else c.hidden() for c in right.columns]
        self.push(node.on, Scope(tuple(reached), outer, open=left.open or right.open))
        if has_constant_condition(node.on):
            add_condition(From((), (*left.mentions, *right.mentions)), 1)

    def joined(self, node: ast.Join, left: From, right: From) -> tuple[Output, ...]:
        one = [c.hidden() if node.kind in ("right", "full") else c for c in left.columns]
        two = [c.hidden() if node.kind in ("left", "full") else c for c in right.columns]
        if not node.using:
            return (*one, *two)
        names = {n.lower() for n in node.using}
        merged = []
        for name in node.using:
            sides = Scope(left.columns).find(name), Scope(right.columns).find(name)
            if (sides[0] is None and not left.open) or (sides[1] is None and not right.open):
                raise SqlInvalid("the SQL names an unknown column", f"USING ({name}) is not on both sides")
            before, self.in_condition = self.in_condition, True
            for side in sides:
                if side is not None:
                    side.use(())
            self.in_condition = before
            kept = sides[1] if node.kind == "right" else sides[0]
            merged.append(Output(None, name, lambda below: None, kept.type if kept else None))
        return (*merged, *(c for c in (*one, *two) if (c.name or "").lower() not in names))

    # --- expressions

    def walk(self, node: object, scope: Scope, lambdas: frozenset[str] = frozenset(), windows: Windows = ()) -> None:
        """Uses every column below an expression."""
        if isinstance(node, ast.Query):
            inner = self.query(node, scope)
            for column in inner.columns:
                column.use(())
            self.join_with(inner, scope)
            return
        if may_fold(node) or self.is_field_by_number(node, scope, lambdas):
            self.may_simplify()
        if isinstance(node, ast.Exists):
            self.join_with(self.query(node.query, scope), scope)
            return
        if isinstance(node, ast.Name | ast.Field):
            chain = chain_of(node)
            if chain is None:
                self.walk(node.base if isinstance(node, ast.Field) else None, scope, lambdas, windows)
            elif chain[0].lower() not in lambdas:
                output, below = self.resolve(chain, scope)
                output.use(below)
            return
        if isinstance(node, ast.Lambda):
            self.walk(node.body, scope, lambdas | {p.lower() for p in node.parameters}, windows)
            return
        if isinstance(node, ast.Call) and isinstance(node.over, str):
            named = dict(windows).get(node.over.lower())
            self.walk(named, scope, lambdas)
        if isinstance(node, ast.Window) and node.base:
            self.walk(dict(windows).get(node.base.lower()), scope, lambdas)
        before = self.in_condition  # x IN (SELECT ...) is a join on x wherever it stands
        self.in_condition = before or isinstance(node, ast.InQuery | ast.Quantified)
        for part in terms(node) if isinstance(node, ast.Binary) and is_logic(node) else parts_of(node):
            self.walk(part, scope, lambdas, windows)
        self.in_condition = before

    def is_field_by_number(self, node: object, scope: Scope, lambdas: frozenset[str]) -> bool:
        """Whether it is value[1] of a row, of which Trino reads that field alone."""
        chain = chain_of(node.base) if isinstance(node, ast.Subscript) else None
        if chain is None or chain[0].lower() in lambdas:
            return False
        output, below = self.resolve(chain, scope)
        kind = type_below(output.type, below)
        return kind is not None and kind.name == "row"

    def join_with(self, inner: From, scope: Scope) -> None:
        """A subquery in an expression becomes a join with what is around it."""
        around: Scope | None = scope
        touched = list(inner.mentions)
        while around is not None:
            touched += [base[0] for c in around.columns for base in c.bases if base is not None]
            around = around.outer
        cut(touched, JOIN)
        for mention in self.found:
            mention.cut(JOIN)

    def resolve(self, chain: Path, scope: Scope) -> tuple[Output, Path]:
        """The column that a.b.c means, and the fields below it."""
        if len(chain) > 1:
            found = scope.find(chain[1], chain[0])
            if found is not None:
                return found, fields_of(found.type, chain[2:], chain[1])
        found = scope.find(chain[0])
        if found is not None and not (len(chain) > 1 and scope.has_relation(chain[0])):
            return found, fields_of(found.type, chain[1:], chain[0])
        if len(chain) > 1 and scope.has_relation(chain[0]):
            raise SqlInvalid("the SQL names an unknown column", f"{chain[0]} has no column {chain[1]}")
        if found is not None:
            return found, fields_of(found.type, chain[1:], chain[0])
        known = ", ".join(scope.names()[:20]) or "none"
        raise SqlInvalid("the SQL names an unknown column", f"{chain[0]} is not among: {known}", "correct the name")

    def push(self, node: ast.Expr, scope: Scope) -> None:
        """Hands the conditions that reach the reader to the mentions that they are about."""

        def base(value: ast.Expr, side: int) -> tuple[Mention, Path] | None:
            chain = chain_of(value)
            if chain is None:
                return None
            output, below = self.resolve(chain, scope)
            here = any(output is column for column in scope.columns)  # not of a query around this one
            return output.bases[side] if here and not below and side < len(output.bases) else None

        for side in range(max((len(c.bases) for c in scope.columns), default=0)):
            for mention, predicate in conditions.pushed(node, functools.partial(base, side=side)):
                mention.predicates.append(predicate)
