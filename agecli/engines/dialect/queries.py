"""Binds queries: WITH, SELECT, VALUES, set operations, ORDER BY and LIMIT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agecli.engines.dialect import ast, correlation, operators, windows
from agecli.engines.dialect.casts import coerce
from agecli.engines.dialect.expressions import ExpressionBinder
from agecli.engines.dialect.grouping import GroupedBinder, aggregate_calls, check_sets, expanded
from agecli.engines.dialect.memo import remembered
from agecli.engines.dialect.registry import Typed
from agecli.engines.dialect.relations import From, RelationBinder
from agecli.engines.dialect.scope import Bound, CommonQuery, Origin, Scope, Statement, Visible
from agecli.engines.dialect.types import DOUBLE, Type, common_type
from agecli.errors import SqlInvalid, SqlRefused

Columns = tuple[tuple[str | None, Type], ...]


@dataclass(frozen=True)
class Ordered:
    """A body's SQL, its columns, and the sort keys as SQL over c1, c2, ... and s1, s2, ..."""

    sql: str
    columns: Columns
    order: tuple[str, ...] = ()
    scope: Scope | None = None
    origin: Origin | None = None


class QueryBinder:
    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.relations = RelationBinder(statement)
        statement.bind_query = self.query

    def query(self, node: ast.Query, outer: Scope, kind: str = "") -> Bound:
        """A query seen from `outer`, whose columns it may use; `kind` says as what (see `correlation`)."""
        before = len(self.statement.uses)
        if node.with_ties:
            raise SqlRefused("FETCH FIRST ... WITH TIES is refused", "it is not supported", "use rank()")
        definitions: list[str] = []
        scope = Scope((), outer) if node.commons else outer
        for common in node.commons:
            definition, made = self.common(common, scope, node.recursive)
            definitions.append(definition)
            scope = replace(scope, commons={**scope.commons, common.name.lower(): made})
        body = self.body(node.body, scope, node.order)
        if kind:
            inside = ExpressionBinder(self.statement, body.scope or scope)
            correlation.check(kind, node, self.statement.uses[before:], outer, inside.owners)
        sql, origin = body.sql, body.origin
        if node.order or node.limit is not None or node.offset is not None:
            origin = None
            listed = ", ".join(f"c{i}" for i in range(1, len(body.columns) + 1))
            sql = f"SELECT {listed} FROM ({sql}) AS o"
            sql += f" ORDER BY {', '.join(body.order)}" if body.order else ""
            sql += f" LIMIT {node.limit}" if node.limit is not None else ""
            sql += f" OFFSET {node.offset}" if node.offset is not None else ""
        if definitions:
            sql = f"WITH {'RECURSIVE ' if node.recursive else ''}{', '.join(definitions)} {sql}"
        return Bound(sql, body.columns, origin)

    def common(self, node: ast.Common, scope: Scope, recursive: bool) -> tuple[str, CommonQuery]:
        name = self.statement.name("w")
        body = node.query.body
        if recursive and mentions(node.query, node.name):
            if not isinstance(body, ast.SetOperation) or body.op != "union" or not body.all:
                raise SqlRefused("a recursive query without UNION ALL is refused", "Trino has UNION ALL only",
                                 "write anchor UNION ALL step")  # fmt: skip
            raise SqlRefused("a recursive query is refused", "Trino stops after ten steps, DuckDB does not",
                             "use UNNEST(sequence(...))")  # fmt: skip
        bound = self.query(node.query, scope)
        if node.columns and len(node.columns) != len(bound.columns):
            raise SqlInvalid("the SQL does not parse", f"{node.name} has {len(bound.columns)} columns")
        names: tuple[str | None, ...] = node.columns or tuple(n for n, _ in bound.columns)
        columns = tuple((n, t) for n, (_, t) in zip(names, bound.columns, strict=True))
        return f"{name} AS ({bound.sql})", CommonQuery(name, columns, bound.origin)

    def body(self, node: ast.Body, scope: Scope, order: Sequence[ast.SortItem]) -> Ordered:
        if isinstance(node, ast.Select):
            return SelectBinder(self, node, scope).bind(order)
        if isinstance(node, ast.Query):
            bound = self.query(node, scope)
            return self.ordered(bound.sql, bound.columns, order)
        if isinstance(node, ast.Values):
            return self.ordered(*self.values(node, scope), order)
        assert isinstance(node, ast.SetOperation)
        return self.ordered(*self.set_operation(node, scope), order)

    def ordered(self, sql: str, columns: Columns, order: Sequence[ast.SortItem]) -> Ordered:
        """Sort keys over the output columns only."""
        outputs = tuple(Visible(None, n, Typed(f"o.c{i}", t)) for i, (n, t) in enumerate(columns, 1))
        binder = ExpressionBinder(self.statement, Scope(outputs))
        keys = []
        for item in order:
            ordinal = ordinal_of(item.value, len(columns))
            value = outputs[ordinal].value if ordinal is not None else binder.bind(item.value)
            keys.append(windows.sort_sql(value, item))
        return Ordered(sql, columns, tuple(keys))

    def values(self, node: ast.Values, scope: Scope) -> tuple[str, Columns]:
        binder = ExpressionBinder(self.statement, scope)
        rows = [[binder.bind(e) for e in (r.items if isinstance(r, ast.RowOf) else (r,))] for r in node.rows]
        if len({len(r) for r in rows}) != 1:
            raise SqlInvalid("the SQL does not parse", "the rows of VALUES differ in length")
        kinds = [unified_type("VALUES", [r[i].type for r in rows]) for i in range(len(rows[0]))]
        rows = [[coerce(v, k) for v, k in zip(r, kinds, strict=True)] for r in rows]
        if kinds and all(k.name == "unknown" for k in kinds):
            rows = [[replace(v, sql="CAST(NULL AS INTEGER)") for v in r] for r in rows]
        listed = ", ".join("(" + ", ".join(v.sql for v in r) + ")" for r in rows)
        names = ", ".join(f"c{i}" for i in range(1, len(kinds) + 1))
        return f"SELECT {names} FROM (VALUES {listed}) AS v({names})", tuple((None, k) for k in kinds)

    def set_operation(self, node: ast.SetOperation, scope: Scope) -> tuple[str, Columns]:
        left, right = self.body(node.left, scope, ()), self.body(node.right, scope, ())
        if len(left.columns) != len(right.columns):
            raise SqlInvalid("the SQL does not parse", f"the sides of {node.op.upper()} differ in columns")
        columns = tuple(
            (name, unified_type(node.op.upper(), [a, b]))
            for (name, a), (_, b) in zip(left.columns, right.columns, strict=True)
        )
        sides = [self.coerced(side, [t for _, t in columns]) for side in (left, right)]
        return f"({sides[0]}) {node.op.upper()}{' ALL' if node.all else ''} ({sides[1]})", columns

    def coerced(self, side: Ordered, kinds: Sequence[Type]) -> str:
        values = [
            coerce(Typed(f"q.c{i}", t), k) for i, ((_, t), k) in enumerate(zip(side.columns, kinds, strict=True), 1)
        ]
        listed = ", ".join(f"{v.sql} AS c{i}" for i, v in enumerate(values, 1))
        return f"SELECT {listed} FROM ({side.sql}) AS q"


class SelectBinder:
    """One SELECT."""

    def __init__(self, queries: QueryBinder, node: ast.Select, outer: Scope) -> None:
        self.queries = queries
        self.statement = queries.statement
        self.node = node
        with self.statement.at("from"):
            self.source = queries.relations.bind(node.source, outer) if node.source is not None else From("", ())
        self.scope = Scope(self.source.columns, outer)
        self.named_windows = dict(node.windows)

    def bind(self, order: Sequence[ast.SortItem]) -> Ordered:
        plain = ExpressionBinder(self.statement, self.scope, self.named_windows)
        at = self.statement.at
        with at("where"):
            where = plain.boolean(self.node.where, "WHERE") if self.node.where is not None else None
        with at("group"):
            keys, sets = self.group_keys(plain)
        grouped = self.node.grouping is not None or self.node.having is not None or self.has_aggregates(order)
        binder = GroupedBinder(self.statement, self.scope, keys, self.named_windows) if grouped else plain
        with at("having"):
            having = binder.boolean(self.node.having, "HAVING") if self.node.having is not None else None
        binder.allow_windows = True
        binder.relation = None if grouped else self.source.relation
        with at("select"):
            items = self.items(binder)
        with at("order"):
            sorts = [self.sort(binder, items, item) for item in order]
        inputs = () if grouped else [column.value for column in self.scope.columns]
        values = [v for _, v in items]
        select, origin = self.listed(values, inputs, binder.relation)
        extra = [v for v, _ in sorts if not v.sql.startswith("o.c")]
        select += [f"{v.sql} AS s{i}" for i, v in enumerate(extra, 1)]
        terms, count = [], 0
        for value, item in sorts:
            if not value.sql.startswith("o.c"):
                count += 1
                value = replace(value, sql=f"o.s{count}")
            terms.append(windows.sort_sql(value, item))
        if self.node.distinct and extra:
            raise SqlInvalid("the SQL does not parse", "with SELECT DISTINCT, ORDER BY has to be in the SELECT list")
        source = self.from_sql(grouped)
        source += f" WHERE {where.sql}" if where is not None else ""
        if isinstance(binder, GroupedBinder):
            source = f" FROM ({self.grouped(binder, source, sets)}) AS g"
            source += f" WHERE {having.sql}" if having is not None else ""
        passed = self.statement.programs.mark("pass", origin.relation) if origin is not None else ""
        sql = f"SELECT {'DISTINCT ' if self.node.distinct else ''}{', '.join(select)}{passed}{source}"
        return Ordered(sql, tuple((n, v.type) for n, v in items), tuple(terms), self.scope, origin)

    def listed(
        self, values: Sequence[Typed], inputs: Sequence[Typed], relation: str | None
    ) -> tuple[list[str], Origin | None]:
        """The SELECT list, and what is known of its columns where they are those of a plain SELECT."""
        programs = self.statement.programs
        values = [programs.of_text(relation, v, inputs) for v in values]
        if self.node is self.statement.outermost:
            values = [widened(v) for v in values]
        sql = [remembered(v, inputs).sql for v in values]
        select = [programs.whole(relation, v, s) for v, s in zip(values, sql, strict=True)]
        origin = None
        if relation is not None and not self.node.distinct and programs.on:
            origin = Origin(relation, programs.select(relation, values, sql))
        return [f"{s} AS c{i}" for i, s in enumerate(select, 1)], origin

    def from_sql(self, grouped: bool) -> str:
        source, mark = self.source, self.statement.programs.mark
        if source.relation is None or grouped:
            return f" FROM {source.sql}" if source.sql else ""
        return f" FROM {mark('from', source.relation)}{source.sql}{mark('end', source.relation)}"

    def has_aggregates(self, order: Sequence[ast.SortItem]) -> bool:
        items = [i.value for i in self.node.items if isinstance(i, ast.Item)]
        return any(True for node in (*items, *(s.value for s in order)) for _ in aggregate_calls(node))

    def grouped(self, binder: GroupedBinder, source: str, sets: list[list[int]] | None) -> str:
        """The inner level: keys and aggregates."""
        listed = [f"{v.sql} AS k{i}" for i, (_, v) in enumerate(binder.keys, 1)]
        listed += [f"{sql} AS {made.sql.removeprefix('g.')}" for sql, made in binder.aggregates.items()]
        sql = f"SELECT {', '.join(listed) or 'count(*) AS a0'}{source}"
        if sets is None:
            return sql
        texts = [v.sql for _, v in binder.keys]
        if len(sets) == 1 and sets[0]:
            return f"{sql} GROUP BY {', '.join(texts[i] for i in dict.fromkeys(sets[0]))}"
        options = ["(" + ", ".join(texts[i] for i in dict.fromkeys(one)) + ")" for one in sets]
        if sets == [[]] and listed:
            return sql if binder.aggregates else f"{sql} LIMIT 1"
        return f"{sql} GROUP BY GROUPING SETS ({', '.join(options)})" if sets != [[]] else sql

    def group_keys(self, plain: ExpressionBinder) -> tuple[list[tuple[ast.Expr, Typed]], list[list[int]] | None]:
        """The distinct keys, and the grouping sets as indexes into them; None without GROUP BY."""
        if self.node.grouping is None:
            return [], None
        keys: list[tuple[ast.Expr, Typed]] = []
        sets: list[list[int]] = []
        check_sets(self.node.grouping, plain)
        for one in expanded(self.node.grouping):
            indexes = []
            for written in one:
                node = self.ordinal(written)
                value = plain.bind(node)
                if value.type.name in ("function",):
                    raise SqlInvalid("the SQL has a type mismatch", f"GROUP BY {value.type}")
                known = next((i for i, (_, v) in enumerate(keys) if v.sql == value.sql), None)
                if known is None:
                    known = len(keys)
                    keys.append((node, value))
                indexes.append(known)
            sets.append(indexes)
        if self.node.group_distinct:
            sets = [list(s) for s in dict.fromkeys(tuple(sorted(set(s))) for s in sets)]
        return keys, sets

    def ordinal(self, node: ast.Expr) -> ast.Expr:
        if isinstance(node, ast.Literal) and node.kind == "integer":
            position = int(node.text)
            items = self.node.items
            if any(isinstance(i, ast.Star) for i in items):
                raise SqlRefused("GROUP BY with a number and * is refused", "it is not supported", "name the columns")
            item = items[position - 1] if 1 <= position <= len(items) else None
            if not isinstance(item, ast.Item):
                raise SqlInvalid("the SQL does not parse", f"GROUP BY {position} is not in the SELECT list")
            return item.value
        return node

    def items(self, binder: ExpressionBinder) -> list[tuple[str | None, Typed]]:
        found: list[tuple[str | None, Typed]] = []
        for item in self.node.items:
            if isinstance(item, ast.Star):
                found += self.star(binder, item)
                continue
            value = binder.bind(item.value)
            if value.type.name == "function":
                raise SqlInvalid("the SQL has a type mismatch", "a lambda is no value")
            found.append((item.alias or written_name(item.value), value))
        return found

    def star(self, binder: ExpressionBinder, item: ast.Star) -> list[tuple[str | None, Typed]]:
        columns = self.scope.columns
        if item.base is not None:
            if not isinstance(item.base, ast.Name):
                raise SqlRefused("(row).* is refused", "it is not supported", "name the fields")
            wanted = item.base.name.lower()
            columns = tuple(c for c in columns if (c.relation or "").lower() == wanted)
        if not columns:
            raise SqlInvalid("the SQL has a * without columns", "there is nothing of that name in FROM")
        names: tuple[str | None, ...] = item.names or tuple(c.name for c in columns)
        if len(names) != len(columns):
            raise SqlInvalid("the SQL does not parse", "the names after * AS differ in number")
        return [(n, binder.column(c, self.scope)) for n, c in zip(names, columns, strict=True)]

    def sort(
        self, binder: ExpressionBinder, items: list[tuple[str | None, Typed]], item: ast.SortItem
    ) -> tuple[Typed, ast.SortItem]:
        """A sort key: a position, an output column, or an expression over both."""
        position = ordinal_of(item.value, len(items))
        if position is None and isinstance(item.value, ast.Name):
            wanted = item.value.name.lower()
            hits = [i for i, (n, _) in enumerate(items) if (n or "").lower() == wanted]
            if len({items[i][1].sql for i in hits}) > 1:
                raise SqlInvalid("the SQL names a column that is ambiguous", f"ORDER BY {item.value.name}")
            position = hits[0] if hits else None
        if position is None:
            value = self.with_outputs(binder, items, item.value)
            same = next((i for i, (_, v) in enumerate(items) if v.sql == value.sql), None)
            if same is None or value.is_constant:
                return value, item
            position = same
        return Typed(f"o.c{position + 1}", items[position][1].type), item

    def with_outputs(self, binder: ExpressionBinder, items: list[tuple[str | None, Typed]], node: ast.Expr) -> Typed:
        """An expression in ORDER BY sees output columns before those of FROM."""
        binder.outputs = {n.lower(): v for n, v in items if n}
        try:
            return binder.bind(node)
        finally:
            binder.outputs = {}


def widened(value: Typed) -> Typed:
    """A double that is narrowed to real, as the double: who reads a result narrows it, a column at a time."""
    if value.narrowed is None or value.narrowed[0] != value.sql:
        return value
    return Typed(value.narrowed[1], DOUBLE, volatile=value.volatile, row=value.row)


def written_name(node: ast.Expr) -> str | None:
    return node.name if isinstance(node, ast.Name | ast.Field) else None


def ordinal_of(node: ast.Expr, count: int) -> int | None:
    if not (isinstance(node, ast.Literal) and node.kind == "integer"):
        return None
    if not 1 <= int(node.text) <= count:
        raise SqlInvalid("the SQL does not parse", f"ORDER BY {node.text} is not in the SELECT list")
    return int(node.text) - 1


def unified_type(what: str, kinds: Sequence[Type]) -> Type:
    common: Type | None = Type("unknown")
    for kind in kinds:
        common = common_type(common, kind) if common else None
    if common is None:
        raise operators.mismatch(what, *kinds)
    return common


def mentions(node: object, table: str) -> bool:
    """Whether a query names this table anywhere."""
    if isinstance(node, ast.TableName):
        return len(node.parts) == 1 and node.parts[0].lower() == table.lower()
    if isinstance(node, tuple):
        return any(mentions(n, table) for n in node)
    return hasattr(node, "__dataclass_fields__") and any(
        mentions(getattr(node, name), table) for name in node.__dataclass_fields__
    )
