"""Parses one SELECT statement of Athena's dialect into `ast` nodes, by Trino's grammar.

A hand-written parser rather than a general one: what Trino's grammar does not have must not parse, and nothing of
what was written (an argument, a name, an order of precedence) may be lost on the way.
"""

from __future__ import annotations

from functools import lru_cache

from agecli.engines.dialect import ast
from agecli.engines.dialect.parse_expressions import ExpressionParser
from agecli.errors import SqlRefused

_STATEMENT_WORDS = """
    INSERT CREATE DROP DELETE UPDATE ALTER MERGE SHOW DESCRIBE EXPLAIN EXECUTE PREPARE CALL GRANT REVOKE
    UNLOAD MSCK USE SET RESET ANALYZE TRUNCATE REFRESH COMMENT START COMMIT ROLLBACK VACUUM DEALLOCATE
    OPTIMIZE
"""
_STATEMENTS = frozenset(_STATEMENT_WORDS.split())


@lru_cache(maxsize=32)
def parse(sql: str) -> ast.Query:
    """The tree of one SELECT (or WITH, VALUES, TABLE), made once. Raises SqlInvalid, or SqlRefused for other
    statements."""
    parser = Parser(sql)
    if parser.token.key in _STATEMENTS:
        raise SqlRefused(f"{parser.token.key} is refused", "only SELECT runs here", "write the statement as one SELECT")
    query = parser.query()
    if parser.token.key == ";":
        parser.at += 1
        if parser.token.kind != "end":
            raise SqlRefused("more than one statement is refused", "a file holds one SELECT", "split it")
    if parser.token.kind != "end":
        raise parser.error("expected the end of the statement")
    return query


class Parser(ExpressionParser):
    """Queries and relations; expressions are in the base class."""

    def query(self) -> ast.Query:
        commons: list[ast.Common] = []
        recursive = False
        if self.take("WITH"):
            recursive = self.take("RECURSIVE")
            commons.append(self.common())
            while self.take(","):
                commons.append(self.common())
        body = self.union()
        order = self.ordering()
        offset = limit = None
        ties = False
        if self.take("OFFSET"):
            offset = self.whole_number()
            self.any_of(("ROW", "ROWS"))
        if self.take("LIMIT"):
            limit = None if self.take("ALL") else self.whole_number()
        elif self.take("FETCH"):
            self.any_of(("FIRST", "NEXT"))
            limit = 1 if self.token.key in ("ROW", "ROWS") else self.whole_number()
            if limit == 0:
                raise self.error("FETCH FIRST takes a positive number of rows")
            self.any_of(("ROW", "ROWS"))
            ties = self.take("WITH", "TIES")
            if not ties:
                self.expect("ONLY")
        if isinstance(body, ast.Query) and not (commons or order or offset is not None or limit is not None):
            return body
        return ast.Query(body, tuple(commons), recursive, order, offset, limit, ties)

    def common(self) -> ast.Common:
        name = self.identifier()
        columns = self.names() if self.peek("(") else ()
        self.expect("AS")
        return ast.Common(name, columns, self.in_parentheses())

    def whole_number(self) -> int:
        if self.token.kind != "integer":
            raise self.error("expected a whole number")
        self.at += 1
        return int(self.tokens[self.at - 1].text)

    def union(self) -> ast.Body:
        left = self.intersection()
        while op := self.any_of(("UNION", "EXCEPT")):
            keep = self.set_quantifier()
            left = ast.SetOperation(op.lower(), keep, left, self.intersection())
        return left

    def intersection(self) -> ast.Body:
        left = self.query_primary()
        while self.take("INTERSECT"):
            keep = self.set_quantifier()
            left = ast.SetOperation("intersect", keep, left, self.query_primary())
        return left

    def set_quantifier(self) -> bool:
        if self.peek("CORRESPONDING"):
            raise SqlRefused("CORRESPONDING is refused", "Athena does not have it", "list the columns")
        if self.take("DISTINCT"):
            return False
        return self.take("ALL")

    def query_primary(self) -> ast.Body:
        if self.take("SELECT"):
            return self.select()
        if self.take("VALUES"):
            return ast.Values(self.expressions())
        if self.take("TABLE"):
            return ast.Select((ast.Star(),), source=self.table_name())
        if self.peek("("):
            return self.in_parentheses()
        raise self.error("expected SELECT, VALUES, TABLE or a query in parentheses")

    def select(self) -> ast.Select:
        distinct = self.take("DISTINCT")
        if not distinct:
            self.take("ALL")
        items = [self.item()]
        while self.take(","):
            items.append(self.item())
        source = None
        if self.take("FROM"):
            source = self.relation()
            while self.take(","):
                source = ast.Join("cross", source, self.relation())
        where = self.expression() if self.take("WHERE") else None
        grouping, group_distinct = None, False
        if self.take("GROUP", "BY"):
            group_distinct = self.take("DISTINCT")
            if not group_distinct:
                self.take("ALL")
            grouping = self.grouping()
        having = self.expression() if self.take("HAVING") else None
        windows: list[tuple[str, ast.Window]] = []
        if self.take("WINDOW"):
            windows.append(self.named_window())
            while self.take(","):
                windows.append(self.named_window())
        return ast.Select(tuple(items), distinct, source, where, grouping, group_distinct, having, tuple(windows))

    def named_window(self) -> tuple[str, ast.Window]:
        name = self.identifier()
        self.expect("AS")
        return name.lower(), self.window()

    def item(self) -> ast.Item | ast.Star:
        if self.take("*"):
            return ast.Star()
        value = self.expression()
        if self.take(".", "*"):
            names = self.names() if self.take("AS") else ()
            return ast.Star(value, names)
        return ast.Item(value, self.alias())

    def alias(self) -> str | None:
        if self.take("AS"):
            return self.identifier()
        if self.token.kind == "quoted":
            return self.identifier()
        if self.token.kind == "word" and self.token.key not in _RESERVED_AFTER:
            return self.identifier()
        return None

    def grouping(self) -> tuple[tuple[str, tuple[tuple[ast.Expr, ...], ...]], ...]:
        """Elements of GROUP BY: (kind, sets), kind being simple, rollup, cube or sets."""
        found = [self.grouping_element()]
        while self.take(","):
            found.append(self.grouping_element())
        return tuple(found)

    def grouping_element(self) -> tuple[str, tuple[tuple[ast.Expr, ...], ...]]:
        kind = "rollup" if self.take("ROLLUP") else "cube" if self.take("CUBE") else ""
        if self.take("GROUPING", "SETS"):
            kind = "sets"
        if not kind:
            return "simple", (self.grouping_set(),)
        self.expect("(")
        sets = [] if self.peek(")") else [self.grouping_set()]
        while self.take(","):
            sets.append(self.grouping_set())
        self.expect(")")
        return kind, tuple(sets)

    def grouping_set(self) -> tuple[ast.Expr, ...]:
        if self.take("(", ")"):
            return ()
        value = self.expression()
        return value.items if isinstance(value, ast.RowOf) else (value,)

    def relation(self) -> ast.Relation:
        left = self.sampled()
        while True:
            if self.take("CROSS", "JOIN"):
                left = ast.Join("cross", left, self.sampled())
                continue
            natural = self.take("NATURAL")
            kind = self.join_kind()
            if kind is None:
                if natural:
                    raise self.error("expected JOIN")
                return left
            if natural:
                raise SqlRefused("NATURAL JOIN is refused", "its columns depend on the tables", "name them with ON")
            right = self.sampled()
            if self.take("ON"):
                left = ast.Join(kind, left, right, on=self.expression())
            else:
                self.expect("USING")
                left = ast.Join(kind, left, right, using=self.names())

    def join_kind(self) -> str | None:
        if self.take("JOIN") or self.take("INNER", "JOIN"):
            return "inner"
        side = self.any_of(("LEFT", "RIGHT", "FULL"))
        if side is None:
            return None
        self.take("OUTER")
        self.expect("JOIN")
        return side.lower()

    def sampled(self) -> ast.Relation:
        relation = self.aliased()
        if self.take("TABLESAMPLE"):
            method = self.any_of(("BERNOULLI", "SYSTEM"))
            if method is None:
                raise self.error("expected BERNOULLI or SYSTEM")
            self.expect("(")
            percent = self.expression()
            self.expect(")")
            return ast.Sampled(relation, method, percent)
        return relation

    def aliased(self) -> ast.Relation:
        relation = self.relation_primary()
        if self.peek("MATCH_RECOGNIZE"):
            raise SqlRefused("MATCH_RECOGNIZE is refused", "it is not supported", "use window functions")
        alias = None
        if (
            self.take("AS")
            or self.token.kind == "quoted"
            or (self.token.kind == "word" and self.token.key not in _RESERVED_AFTER and not self.peek("TABLESAMPLE"))
        ):
            alias = self.identifier()
        if alias is None:
            return relation
        columns = self.names() if self.peek("(") else ()
        return ast.Aliased(relation, alias, columns)

    def relation_primary(self) -> ast.Relation:
        if self.take("UNNEST"):
            self.expect("(")
            items = self.expressions()
            self.expect(")")
            return ast.Unnest(items, self.take("WITH", "ORDINALITY"))
        if self.take("LATERAL"):
            return ast.Derived(self.in_parentheses(), lateral=True)
        if self.peek("("):
            return self.parenthesised_relation()
        if self.peek("TABLE", "("):
            raise SqlRefused("table functions are refused", "they are not supported", "use UNNEST(sequence(...))")
        return self.table_name()

    def parenthesised_relation(self) -> ast.Relation:
        start = self.at
        try:
            return ast.Derived(self.in_parentheses())
        except Exception as first:
            depth = self.at
            self.at = start + 1
            if self.token.key in ("SELECT", "WITH", "VALUES"):
                self.at = depth
                raise first
        relation = self.relation()
        self.expect(")")
        return relation

    def table_name(self) -> ast.Relation:
        parts = [self.identifier()]
        while self.take("."):
            parts.append(self.identifier())
        if self.peek("FOR"):
            raise SqlRefused("FOR TIMESTAMP AS OF is refused", "files have no versions here", "leave it out")
        return ast.TableName(tuple(parts))


_AFTER_WORDS = """
    FROM WHERE GROUP HAVING ORDER LIMIT OFFSET FETCH UNION EXCEPT INTERSECT ON USING JOIN INNER LEFT
    RIGHT FULL CROSS NATURAL WINDOW TABLESAMPLE AND OR NOT IN IS LIKE BETWEEN AS WHEN THEN ELSE END FOR
    INTO WITH ESCAPE SELECT VALUES TABLE UNNEST OUTER DISTINCT CASE EXISTS MATCH_RECOGNIZE ROLLUP CUBE
    GROUPING
"""
_RESERVED_AFTER = frozenset(_AFTER_WORDS.split())
