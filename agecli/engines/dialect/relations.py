"""What stands in FROM: tables, subqueries, joins, UNNEST, samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agecli.engines.dialect import ast, operators, parser
from agecli.engines.dialect.casts import coerce
from agecli.engines.dialect.expressions import ExpressionBinder
from agecli.engines.dialect.programs import Known
from agecli.engines.dialect.registry import Typed
from agecli.engines.dialect.scope import CommonQuery, Inside, Origin, Scope, Source, Statement, Visible
from agecli.engines.dialect.types import BIGINT, UNKNOWN, Type, common_type, field_names, quote_name, quote_text
from agecli.errors import SqlInvalid, SqlRefused


@dataclass(frozen=True)
class From:
    """A relation: SQL for a FROM clause, and the columns that can be named."""

    sql: str
    columns: tuple[Visible, ...]
    relation: str | None = None  # its alias, where it is a single one


class RelationBinder:
    def __init__(self, statement: Statement) -> None:
        self.statement = statement

    def bind(self, node: ast.Relation, outer: Scope) -> From:
        if isinstance(node, ast.TableName):
            return self.table(node, outer)
        if isinstance(node, ast.Derived):
            return self.derived(node, outer)
        if isinstance(node, ast.Aliased):
            return self.aliased(node, outer)
        if isinstance(node, ast.Join):
            return self.join(node, outer)
        if isinstance(node, ast.Unnest):
            return self.unnest(From("", ()), node, None, outer, keep=False)
        if isinstance(node, ast.Sampled):
            return self.sampled(node, outer)
        raise SqlRefused(f"{type(node).__name__} is refused", "it is not supported", "write it another way")

    def table(self, node: ast.TableName, outer: Scope) -> From:
        name = ".".join(node.parts)
        alias = self.statement.name("t")
        if len(node.parts) == 1:
            scope: Scope | None = outer
            while scope is not None:
                if name.lower() in scope.commons:
                    return self.common(scope.commons[name.lower()], name, alias)
                scope = scope.outer
        source = self.statement.tables.get(name.lower())
        if source is None:
            known = ", ".join(sorted(self.statement.tables)) or "no tables"
            raise SqlInvalid("the SQL names an unknown table", f"{name} is not among: {known}", "correct the name")
        self.statement.read[name.lower()] += 1
        if source.inside is not None:
            return self.inside(source, source.inside, node.parts[-1], alias)
        listed = ", ".join(f"{quote_name(n)} AS c{i}" for i, (n, _) in enumerate(source.columns, 1))
        sql = f"(SELECT {listed} FROM {source.sql}) AS {alias}"
        programs = self.statement.programs
        columns = [Known(row=row) for row in programs.rows.table(alias, source)] if programs.on else []
        return From(sql, visible(node.parts[-1], alias, source.columns, columns), alias)

    def inside(self, source: Source, select: Inside, name: str, alias: str) -> From:
        """A SELECT in the place of a table, in the same statement, so that programs reach through it."""
        inner, programs = self.statement.name("t"), self.statement.programs
        tree = parser.parse(select.sql)
        with self.statement.within(select.tables):
            bound = self.statement.bind_query(tree, Scope(), "")
        known = [*self.known(bound.origin, inner), *(Known(),) * len(bound.columns)][: len(bound.columns)]
        programs.rows.inside(tree, [one.row for one in known], [kind for _, kind in bound.columns], select)
        items = list(select.columns(inner))
        kept = {f"{inner}.c{i}": one for i, one in enumerate(known, 1)}
        if select.identity:  # the tally is in its SQL, and its value the same
            kept[items[select.tallied]] = Known(row=known[select.identity[0] - 1].row)
        values = [
            Typed(sql, kind, native=kept.get(sql, Known()).native, row=kept.get(sql, Known()).row)
            for sql, (_, kind) in zip(items, source.columns, strict=True)
        ]
        origin = Origin(inner, programs.select(inner, values, items))
        listed = ", ".join(f"{item} AS c{i}" for i, item in enumerate(items, 1)) + programs.mark("pass", inner)
        below = f"{programs.mark('from', inner)}({bound.sql}) AS {inner}{programs.mark('end', inner)}"
        columns = visible(name, alias, source.columns, self.known(origin, alias))
        return From(f"(SELECT {listed} FROM {below}) AS {alias}", columns, alias)

    def common(self, query: CommonQuery, name: str, alias: str) -> From:
        known = self.known(query.origin, alias)
        return From(f"{query.sql_name} AS {alias}", visible(name, alias, query.columns, known), alias)

    def known(self, origin: Origin | None, alias: str) -> tuple[Known, ...]:
        """What is known of the columns of a SELECT that is called `alias` here."""
        if origin is None:
            return ()
        self.statement.programs.under[alias] = origin.relation
        return origin.known

    def derived(self, node: ast.Derived, outer: Scope) -> From:
        alias = self.statement.name("t")
        scope = outer if node.lateral else replace(outer, columns=())
        bound = self.statement.bind_query(node.query, scope, "lateral")
        if node.lateral:
            return From(f"LATERAL ({bound.sql}) AS {alias}", visible(None, alias, bound.columns))
        known = self.known(bound.origin, alias)
        return From(f"({bound.sql}) AS {alias}", visible(None, alias, bound.columns, known), alias)

    def aliased(self, node: ast.Aliased, outer: Scope) -> From:
        made = self.bind(node.relation, outer)
        return From(made.sql, renamed(made.columns, node.alias, node.columns), made.relation)

    def sampled(self, node: ast.Sampled, outer: Scope) -> From:
        made = self.bind(node.relation, outer)
        percent = ExpressionBinder(self.statement, Scope()).bind(node.percent)
        if node.method != "BERNOULLI" or not isinstance(percent.constant, int):
            raise SqlRefused("TABLESAMPLE is refused", "only BERNOULLI with a whole percentage is supported",
                             "use TABLESAMPLE BERNOULLI (10)")  # fmt: skip
        return From(f"{made.sql} TABLESAMPLE bernoulli({percent.constant}%)", made.columns)

    def join(self, node: ast.Join, outer: Scope) -> From:
        left = self.bind(node.left, outer)
        unnest, alias = unaliased(node.right)
        if isinstance(unnest, ast.Unnest):
            return self.join_unnest(left, unnest, alias, node, outer)
        right = self.bind(node.right, Scope(left.columns, outer) if lateral(node.right) else outer)
        both = (*left.columns, *right.columns)
        if node.using:
            return self.join_using(left, right, node)
        if node.kind == "cross":
            return From(f"{left.sql} CROSS JOIN {right.sql}", both)
        assert node.on is not None
        if lateral(node.right) and not (isinstance(node.on, ast.Literal) and node.on.text == "true"):
            raise SqlRefused("JOIN LATERAL with a condition is refused", "Trino does not run all of them",
                             "write ON TRUE, and the condition in WHERE")  # fmt: skip
        condition = ExpressionBinder(self.statement, Scope(both, outer)).boolean(node.on, "ON")
        return From(f"({left.sql} {node.kind.upper()} JOIN {right.sql} ON {condition.sql})", both)

    def join_using(self, left: From, right: From, node: ast.Join) -> From:
        merged, conditions = [], []
        names = {n.lower() for n in node.using}
        for name in node.using:
            a, b = Scope(left.columns).find(name), Scope(right.columns).find(name)
            if a is None or b is None:
                raise SqlInvalid("the SQL names an unknown column", f"USING ({name}) is not on both sides")
            one, two = a[0].value, b[0].value
            common = common_type(one.type, two.type)
            if common is None:
                raise operators.mismatch("USING", one.type, two.type)
            conditions.append(operators.compare("=", one, two).sql)
            one, two = coerce(one, common), coerce(two, common)
            value = {"right": two.sql, "full": f"coalesce({one.sql}, {two.sql})"}.get(node.kind, one.sql)
            merged.append(Visible(None, name, Typed(value, common)))
        rest = [c for c in (*left.columns, *right.columns) if (c.name or "").lower() not in names]
        sql = f"({left.sql} {node.kind.upper()} JOIN {right.sql} ON {' AND '.join(conditions)})"
        return From(sql, (*merged, *rest))

    def join_unnest(
        self, left: From, unnest: ast.Unnest, alias: ast.Aliased | None, node: ast.Join, outer: Scope
    ) -> From:
        on = node.on
        always = on is None or (isinstance(on, ast.Literal) and on.text == "true")
        if node.kind not in ("cross", "inner", "left") or not always or node.using:
            raise SqlRefused(f"{node.kind.upper()} JOIN UNNEST with a condition is refused", "Trino has ON TRUE only",
                             "use CROSS JOIN, or LEFT JOIN ... ON TRUE")  # fmt: skip
        return self.unnest(left, unnest, alias, outer, keep=node.kind == "left")

    def unnest(self, left: From, node: ast.Unnest, alias: ast.Aliased | None, outer: Scope, keep: bool) -> From:
        """Rows of `left` times the members of the arrays and maps, which are zipped; `keep` is LEFT JOIN.

        Emitted as `unnest` in a SELECT list over the left side, which streams.
        """
        binder = ExpressionBinder(self.statement, Scope(left.columns, outer))
        values = [binder.bind(i) for i in node.items]
        lists = [as_list(v) for v in values]
        kept = [f"{c.value.sql} AS p{i}" for i, c in enumerate(left.columns, 1)]
        step1 = ", ".join([*kept, *(f"{v.sql} AS u{i}" for i, v in enumerate(lists, 1))])
        base = f"SELECT {step1}" + (f" FROM {left.sql}" if left.sql else "")
        expanded = [f"unnest(u{i}) AS v{i}" for i in range(1, len(lists) + 1)]
        length = f"greatest({', '.join(f'coalesce(len(u{i}), 0)' for i in range(1, len(lists) + 1))}, 0)"
        if keep:
            expanded[0] = f"unnest(CASE WHEN {length} = 0 THEN [NULL] ELSE u1 END) AS v1"
        if node.ordinality:
            numbers = f"range(1, {length} + 1)"
            if keep:
                numbers = f"CASE WHEN {length} = 0 THEN [NULL] ELSE {numbers} END"
            expanded.append(f"unnest({numbers}) AS n")
        passed = [f"p{i}" for i in range(1, len(left.columns) + 1)]
        step2 = f"SELECT {', '.join([*passed, *expanded])} FROM ({base}) AS b"
        table = self.statement.name("t")
        made = [c for i, v in enumerate(values, 1) for c in members(v.type, f"{table}.v{i}")]
        if node.ordinality:
            made.append(Typed(f"{table}.n", BIGINT))
        before = [replace(c, value=replace(c.value, sql=f"{table}.p{i}")) for i, c in enumerate(left.columns, 1)]
        after = tuple(Visible(None, None, v) for v in made)
        after = tuple(replace(c, name=n) for c, n in zip(after, default_names(values, node.ordinality), strict=True))
        if alias is not None:
            after = renamed(after, alias.alias, alias.columns)
        return From(f"({step2}) AS {table}", (*before, *after))


def as_list(value: Typed) -> Typed:
    if value.type.name == "map":
        return operators.mapped(value, value.type, lambda s: f"map_entries({s})")
    if value.type.name != "array":
        raise SqlInvalid("the SQL has a type mismatch", f"UNNEST takes arrays and maps, not {value.type}")
    return value


def members(kind: Type, sql: str) -> list[Typed]:
    """The columns that one argument of UNNEST gives: a row's fields, a map's key and value, or the element."""
    if kind.name == "map":
        return [Typed(f"struct_extract({sql}, '{n}')", t) for n, t in zip(("key", "value"), kind.args, strict=True)]
    element = kind.element
    if element.name == "row":
        names = field_names(element)
        return [Typed(f"struct_extract({sql}, {quote_text(n)})", t) for n, t in zip(names, element.args, strict=True)]
    return [Typed(sql, element)]


def default_names(values: list[Typed], ordinality: bool) -> list[str | None]:
    names: list[str | None] = []
    for value in values:
        if value.type.name == "array" and value.type.element.name == "row":
            names += list(value.type.element.fields)
        else:
            names += [None] * len(members(value.type, ""))
    return [*names, *([None] if ordinality else [])]


def unaliased(node: ast.Relation) -> tuple[ast.Relation, ast.Aliased | None]:
    return (node.relation, node) if isinstance(node, ast.Aliased) else (node, None)


def lateral(node: ast.Relation) -> bool:
    inner, _ = unaliased(node)
    return isinstance(inner, ast.Derived) and inner.lateral


def visible(
    name: str | None,
    alias: str,
    columns: tuple[tuple[str | None, Type], ...] | tuple[tuple[str, Type], ...],
    known: Sequence[Known] = (),
) -> tuple[Visible, ...]:
    each = [*known, *(Known(),) * (len(columns) - len(known))]
    return tuple(
        Visible(name, n, Typed(f"{alias}.c{i}", t, native=each[i - 1].native, row=each[i - 1].row))
        for i, (n, t) in enumerate(columns, 1)
    )


def renamed(columns: tuple[Visible, ...], alias: str, names: tuple[str, ...]) -> tuple[Visible, ...]:
    if names and len(names) != len(columns):
        raise SqlInvalid(
            "the SQL does not parse", f"{alias} has {len(columns)} columns, and {len(names)} names are given"
        )
    new: tuple[str | None, ...] = names or tuple(c.name for c in columns)
    return tuple(Visible(alias, n, c.value) for c, n in zip(columns, new, strict=True))


__all__ = ["UNKNOWN", "From", "RelationBinder"]
