"""Parses expressions by Trino's grammar: precedence, special calls, window specifications."""

from __future__ import annotations

from agecli.engines.dialect import ast
from agecli.engines.dialect.lexer import RESERVED, Token, position, tokenize
from agecli.errors import SqlInvalid, SqlRefused

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_CURRENT = ("CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_USER",
            "CURRENT_CATALOG", "CURRENT_SCHEMA", "CURRENT_PATH", "CURRENT_ROLE")  # fmt: skip
_SPECIAL = ("JSON_EXISTS", "JSON_QUERY", "JSON_VALUE", "JSON_OBJECT", "JSON_ARRAY")
_INTERVALS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")


class Cursor:
    """The tokens of a statement and a place among them."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = tokenize(sql)
        self.at = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def peek(self, *keys: str) -> bool:
        """Whether the next tokens are these words or symbols."""
        rest = self.tokens[self.at : self.at + len(keys)]
        return len(rest) == len(keys) and all(t.key == k for t, k in zip(rest, keys, strict=True))

    def take(self, *keys: str) -> bool:
        if self.peek(*keys):
            self.at += len(keys)
            return True
        return False

    def any_of(self, keys: tuple[str, ...]) -> str | None:
        """The next token's key, taken, if it is one of these."""
        if self.token.key in keys and self.token.kind in ("word", "symbol"):
            self.at += 1
            return self.tokens[self.at - 1].key
        return None

    def expect(self, *keys: str) -> None:
        if not self.take(*keys):
            raise self.error(f"expected {' '.join(keys)}")

    def error(self, why: str) -> SqlInvalid:
        found = repr(self.token.text) if self.token.kind != "end" else "the end"
        return SqlInvalid("the SQL does not parse", f"{position(self.sql, self.token.start)}: {why}, found {found}")

    def identifier(self) -> str:
        token = self.token
        if token.kind == "quoted" or (token.kind == "word" and token.key not in RESERVED):
            self.at += 1
            return token.text
        raise self.error("expected a name")

    def names(self) -> tuple[str, ...]:
        """(a, b, c)"""
        self.expect("(")
        found = [self.identifier()]
        while self.take(","):
            found.append(self.identifier())
        self.expect(")")
        return tuple(found)

    def string(self) -> str:
        if self.token.kind != "string":
            raise self.error("expected a text literal")
        self.at += 1
        return self.tokens[self.at - 1].text

    def type_words(self) -> str:
        """A type as written, up to the token that cannot belong to it."""
        depth, start = 0, self.at
        while self.token.kind != "end":
            key = self.token.key
            if depth == 0 and key in (")", ",", "AS") and self.at > start:
                break
            depth += {"(": 1, ")": -1, "<": 1, ">": -1}.get(key, 0)
            self.at += 1
        parts = self.tokens[start : self.at]
        return " ".join(_quoted(t) for t in parts)


def _quoted(token: Token) -> str:
    return '"' + token.text.replace('"', '""') + '"' if token.kind == "quoted" else token.text


class ExpressionParser(Cursor):
    """Everything of the grammar below `expression`."""

    def query(self) -> ast.Query:
        raise NotImplementedError

    def expression(self) -> ast.Expr:
        left = self.conjunction()
        while self.take("OR"):
            left = ast.Binary("or", left, self.conjunction())
        return left

    def conjunction(self) -> ast.Expr:
        left = self.negation()
        while self.take("AND"):
            left = ast.Binary("and", left, self.negation())
        return left

    def negation(self) -> ast.Expr:
        if self.take("NOT"):
            return ast.Unary("not", self.negation())
        value = self.value()
        return self.predicate(value)

    def predicate(self, value: ast.Expr) -> ast.Expr:
        op = self.any_of(COMPARISONS)
        if op:
            quantifier = self.any_of(("ALL", "ANY", "SOME")) if self.tokens[self.at + 1].key == "(" else None
            if quantifier:
                return ast.Quantified(op, "ALL" if quantifier == "ALL" else "ANY", value, self.in_parentheses())
            return ast.Binary(op, value, self.value())
        if self.take("IS"):
            negated = self.take("NOT")
            if self.take("NULL"):
                return _maybe_not(negated, ast.IsNull(value))
            self.expect("DISTINCT", "FROM")
            return _maybe_not(negated, ast.Binary("distinct", value, self.value()))
        negated = self.take("NOT")
        if self.take("BETWEEN"):
            low = self.value()
            self.expect("AND")
            return _maybe_not(negated, ast.Between(value, low, self.value()))
        if self.take("IN"):
            return _maybe_not(negated, self.membership(value))
        if self.take("LIKE"):
            pattern = self.value()
            return _maybe_not(negated, ast.Like(value, pattern, self.value() if self.take("ESCAPE") else None))
        if negated:
            raise self.error("expected BETWEEN, IN or LIKE")
        return value

    def membership(self, value: ast.Expr) -> ast.Expr:
        if self.tokens[self.at + 1].key in ("SELECT", "WITH", "VALUES", "TABLE") and self.peek("("):
            return ast.InQuery(value, self.in_parentheses())
        self.expect("(")
        items = self.expressions()
        self.expect(")")
        return ast.InList(value, items)

    def in_parentheses(self) -> ast.Query:
        self.expect("(")
        query = self.query()
        self.expect(")")
        return query

    def expressions(self) -> tuple[ast.Expr, ...]:
        found = [self.expression()]
        while self.take(","):
            found.append(self.expression())
        return tuple(found)

    def value(self) -> ast.Expr:
        left = self.sum()
        while self.take("||"):
            left = ast.Binary("||", left, self.sum())
        return left

    def sum(self) -> ast.Expr:
        left = self.product()
        while op := self.any_of(("+", "-")):
            left = ast.Binary(op, left, self.product())
        return left

    def product(self) -> ast.Expr:
        left = self.unary()
        while op := self.any_of(("*", "/", "%")):
            left = ast.Binary(op, left, self.unary())
        return left

    def unary(self) -> ast.Expr:
        if op := self.any_of(("-", "+")):
            value = self.unary()
            return ast.Unary("-", value) if op == "-" else ast.Unary("+", value)
        value = self.postfix(self.primary())
        while self.take("AT", "TIME", "ZONE"):
            zone = self.postfix(self.primary())
            value = ast.AtTimeZone(value, zone)
        if self.peek("AT", "LOCAL"):
            raise SqlRefused("AT LOCAL is refused", "it depends on the session", "use AT TIME ZONE 'UTC'")
        return value

    def postfix(self, value: ast.Expr) -> ast.Expr:
        while True:
            if self.take("["):
                value = ast.Subscript(value, self.value())
                self.expect("]")
            elif self.peek(".") and self.tokens[self.at + 1].key != "*":
                self.at += 1
                value = ast.Field(value, self.identifier())
            else:
                return value

    def primary(self) -> ast.Expr:
        token = self.token
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if token.kind in ("integer", "decimal", "double", "string", "binary"):
            self.at += 1
            names = {"string": "varchar", "binary": "varbinary"}
            return ast.Literal(names.get(token.kind, token.kind), token.text)
        if token.kind == "symbol":
            return self.parenthesised()
        if token.kind == "word":
            found = self.keyword(token.key, following)
            if found is not None:
                return found
            if following.kind == "string" and token.key not in RESERVED:
                self.at += 1
                return ast.TypedLiteral(token.text.lower(), self.string())
        if following.key == "->":
            name = self.identifier()
            self.at += 1
            return ast.Lambda((name.lower(),), self.expression())
        return self.name_or_call()

    def keyword(self, key: str, following: Token) -> ast.Expr | None:
        """Expressions that begin with a word of their own; None if `key` is none of these."""
        if key in ("NULL", "TRUE", "FALSE"):
            self.at += 1
            return ast.Literal("null" if key == "NULL" else "boolean", key.lower())
        if key == "INTERVAL" and (following.kind == "string" or following.key in ("+", "-")):
            return self.interval()
        if key == "DOUBLE" and following.key == "PRECISION":
            self.at += 2
            return ast.TypedLiteral("double", self.string())
        if key in _CURRENT:
            self.at += 1
            if self.take("("):
                precision = self.token.text
                self.at += 1
                self.expect(")")
                return ast.Call(key.lower(), (ast.Literal("integer", precision),))
            return ast.Call(key.lower())
        if key == "CASE":
            return self.case()
        if key == "EXISTS":
            self.at += 1
            return ast.Exists(self.in_parentheses())
        if key in ("ARRAY", "ROW") and following.key == ("[" if key == "ARRAY" else "("):
            self.at += 2
            close = "]" if key == "ARRAY" else ")"
            items = () if self.peek(close) else self.expressions()
            self.expect(close)
            return ast.ArrayOf(items) if key == "ARRAY" else ast.RowOf(items)
        return self.special_call(key) if following.key == "(" else None

    def special_call(self, key: str) -> ast.Expr | None:
        """Calls whose arguments are not a plain list."""
        special = {"CAST": self.cast, "TRY_CAST": self.cast, "EXTRACT": self.extract, "TRIM": self.trim,
                   "SUBSTRING": self.substring, "POSITION": self.position, "NORMALIZE": self.normalize}  # fmt: skip
        if key == "JSON_TABLE":
            raise SqlRefused("json_table is refused", "it is not supported", "use UNNEST of a cast from JSON")
        if key == "LISTAGG":
            return self.listagg()
        if key not in special and key not in _SPECIAL:
            return None
        start = self.at
        self.at += 2
        if key in _SPECIAL:
            return self.json_call(key)
        found = special[key](key)
        if found is None:
            self.at = start
            return None
        self.expect(")")
        return found

    def listagg(self) -> ast.Expr:
        """LISTAGG(x, ',') WITHIN GROUP (ORDER BY y)"""
        self.at += 2
        distinct = self.take("DISTINCT")
        args = (self.expression(), *((self.expression(),) if self.take(",") else ()))
        if self.peek("ON"):
            raise SqlRefused("LISTAGG ... ON OVERFLOW is refused", "it is not supported", "leave it out")
        self.expect(")", "WITHIN", "GROUP", "(")
        order = self.ordering()
        self.expect(")")
        if self.take("FILTER"):
            self.expect("(", "WHERE")
            condition = self.expression()
            self.expect(")")
            return ast.Call("listagg", args, distinct=distinct, order=order, filter=condition)
        return ast.Call("listagg", args, distinct=distinct, order=order)

    def cast(self, key: str) -> ast.Expr:
        value = self.expression()
        self.expect("AS")
        return ast.Cast(value, self.type_words(), key == "TRY_CAST")

    def extract(self, key: str) -> ast.Expr:
        field = self.identifier()
        self.expect("FROM")
        return ast.Extract(field.lower(), self.value())

    def trim(self, key: str) -> ast.Expr:
        mode = self.any_of(("LEADING", "TRAILING", "BOTH"))
        characters = None if self.peek("FROM") else self.value()
        if self.take("FROM"):
            source = self.value()
            args = (source,) if characters is None else (source, characters)
        elif mode:
            raise self.error("expected FROM")
        else:
            assert characters is not None
            args = (characters, self.value()) if self.take(",") else (characters,)
        return ast.Call({"LEADING": "ltrim", "TRAILING": "rtrim"}.get(mode or "", "trim"), args)

    def substring(self, key: str) -> ast.Expr | None:
        value = self.value()
        if not self.take("FROM"):
            return None
        start = self.value()
        rest = (self.value(),) if self.take("FOR") else ()
        return ast.Call("substring", (value, start, *rest))

    def position(self, key: str) -> ast.Expr | None:
        needle = self.value()
        if not self.take("IN"):
            return None
        return ast.Call("strpos", (self.value(), needle))

    def normalize(self, key: str) -> ast.Expr:
        value = self.value()
        form = self.identifier().upper() if self.take(",") else "NFC"
        return ast.Call("normalize", (value, ast.Literal("varchar", form)))

    def json_call(self, key: str) -> ast.Expr:
        args: list[ast.Expr] = []
        options: list[str] = []
        while not self.peek(")"):
            if self.take(",") or (key == "JSON_OBJECT" and self.any_of((":", "VALUE"))):
                continue
            plain = ("FORMAT", "WITH", "WITHOUT", "PASSING", "RETURNING", "ON", "NULL", "ABSENT", "ERROR", "EMPTY",
                     "KEEP", "OMIT", "TRUE", "FALSE", "UNKNOWN", "DEFAULT")  # fmt: skip
            after = self.tokens[self.at + 1].key
            if self.token.key in plain and not (
                self.token.key in ("NULL", "TRUE", "FALSE") and after in (",", ")", "NULL", "ABSENT", "WITH", "WITHOUT")
            ):
                while not self.peek(")") and self.token.kind != "end":
                    options.append(self.token.key or self.token.text)
                    self.at += 1
                    if options[-1] == "DEFAULT":
                        args.append(self.value())
                break
            args.append(self.value())
        self.expect(")")
        return ast.SpecialCall(key.lower(), tuple(args), tuple(options))

    def interval(self) -> ast.Expr:
        self.at += 1
        sign = -1 if self.any_of(("+", "-")) == "-" else 1
        text = self.string()
        start = self.any_of(_INTERVALS)
        if start is None:
            raise self.error("expected a unit")
        end = self.any_of(_INTERVALS) if self.take("TO") else None
        return ast.Interval(sign, text, start.lower(), end.lower() if end else None)

    def case(self) -> ast.Expr:
        self.at += 1
        operand = None if self.peek("WHEN") else self.expression()
        whens = []
        while self.take("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            whens.append((condition, self.expression()))
        if not whens:
            raise self.error("expected WHEN")
        default = self.expression() if self.take("ELSE") else None
        self.expect("END")
        return ast.Case(operand, tuple(whens), default)

    def parenthesised(self) -> ast.Expr:
        if not self.take("("):
            raise self.error("expected an expression")
        if self.token.key in ("SELECT", "WITH", "VALUES", "TABLE"):
            query = self.query()
            self.expect(")")
            return ast.Scalar(query)
        if self.take(")"):
            self.expect("->")
            return ast.Lambda((), self.expression())
        items = self.expressions()
        self.expect(")")
        if self.take("->"):
            if not all(isinstance(i, ast.Name) for i in items):
                raise self.error("expected names before ->")
            names = tuple(i.name.lower() for i in items if isinstance(i, ast.Name))
            return ast.Lambda(names, self.expression())
        return items[0] if len(items) == 1 else ast.RowOf(items)

    def name_or_call(self) -> ast.Expr:
        quoted = self.token.kind == "quoted"
        reserved = self.token.key in ("GROUPING",)
        name = self.token.text if reserved else self.identifier()
        if reserved:
            self.at += 1
        if self.peek("(") and not quoted:
            return self.call(name.lower())
        if reserved:
            raise self.error("expected (")
        return ast.Name(name)

    def call(self, name: str) -> ast.Expr:
        self.expect("(")
        star, distinct, args, order = False, False, (), ()  # type: bool, bool, tuple[ast.Expr, ...], tuple[ast.SortItem, ...]
        if self.take("*"):
            star = True
        elif not self.peek(")"):
            distinct = self.take("DISTINCT")
            if not distinct:
                self.take("ALL")
            if not self.peek("ORDER"):
                args = self.expressions()
            order = self.ordering()
        self.expect(")")
        condition = None
        if self.take("FILTER"):
            self.expect("(", "WHERE")
            condition = self.expression()
            self.expect(")")
        nulls = None
        if self.peek("IGNORE", "NULLS") or self.peek("RESPECT", "NULLS"):
            nulls = self.token.key.lower()
            self.at += 2
        over: ast.Window | str | None = None
        if self.take("OVER"):
            over = self.window() if self.peek("(") else self.identifier()
        return ast.Call(name, args, star, distinct, order, condition, nulls, over)

    def ordering(self) -> tuple[ast.SortItem, ...]:
        if not self.take("ORDER", "BY"):
            return ()
        items = [self.sort_item()]
        while self.take(","):
            items.append(self.sort_item())
        return tuple(items)

    def sort_item(self) -> ast.SortItem:
        value = self.expression()
        descending = self.any_of(("ASC", "DESC")) == "DESC"
        first = False
        if self.take("NULLS"):
            which = self.any_of(("FIRST", "LAST"))
            if which is None:
                raise self.error("expected FIRST or LAST")
            first = which == "FIRST"
        return ast.SortItem(value, descending, first)

    def window(self) -> ast.Window:
        self.expect("(")
        base = None
        if self.token.key not in (")", "PARTITION", "ORDER", "RANGE", "ROWS", "GROUPS"):
            base = self.identifier()
        partition: tuple[ast.Expr, ...] = ()
        if self.take("PARTITION", "BY"):
            partition = self.expressions()
        order = self.ordering()
        unit = self.any_of(("RANGE", "ROWS", "GROUPS"))
        start = end = None
        if unit:
            if self.take("BETWEEN"):
                start = self.bound()
                self.expect("AND")
                end = self.bound()
            else:
                start, end = self.bound(), ast.Bound("current row")
        self.expect(")")
        return ast.Window(partition, order, unit, start, end, base)

    def bound(self) -> ast.Bound:
        if self.take("UNBOUNDED"):
            side = self.any_of(("PRECEDING", "FOLLOWING"))
            if side is None:
                raise self.error("expected PRECEDING or FOLLOWING")
            return ast.Bound(f"unbounded {side.lower()}")
        if self.take("CURRENT", "ROW"):
            return ast.Bound("current row")
        value = self.expression()
        side = self.any_of(("PRECEDING", "FOLLOWING"))
        if side is None:
            raise self.error("expected PRECEDING or FOLLOWING")
        return ast.Bound(side.lower(), value)


def _maybe_not(negated: bool, value: ast.Expr) -> ast.Expr:
    return ast.Unary("not", value) if negated else value
