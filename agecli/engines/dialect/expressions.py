"""Binds expressions: resolves names, infers Trino's exact type of each part, and writes DuckDB SQL for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from agecli.engines.dialect import ast, constructs, json_constructors, literals, operators, windows
from agecli.engines.dialect.calls import Argument, not_allowed, translated
from agecli.engines.dialect.casts import cast, coerce, null_of, silence
from agecli.engines.dialect.memo import remembered
from agecli.engines.dialect.registry import AGGREGATES, FUNCTIONS, WINDOWS, Typed, failure, guard
from agecli.engines.dialect.scope import Scope, Statement, Visible
from agecli.engines.dialect.types import (
    BOOLEAN,
    UNKNOWN,
    VARCHAR,
    Type,
    array,
    common_type,
    duckdb_type,
    field_names,
    quote_text,
    row,
)
from agecli.errors import SqlInvalid, SqlRefused


class ExpressionBinder:
    """Expressions over the columns of one scope. Aggregates are not allowed here; `GroupedBinder` allows them."""

    def __init__(self, statement: Statement, scope: Scope, named_windows: dict[str, ast.Window] | None = None) -> None:
        self.statement = statement
        self.scope = scope
        self.named_windows = named_windows or {}
        self.lambdas: list[dict[str, Typed]] = []
        self.outputs: dict[str, Typed] = {}
        self.allow_windows = False
        self.relation: str | None = None  # the alias of all that FROM has, for `programs`
        statement.programs.rows.columns |= {column.value.sql: column.value.row for column in scope.columns}

    def bind(self, node: ast.Expr) -> Typed:
        """The translation of an expression."""
        method = _METHODS.get(type(node))
        if method is None:
            raise SqlRefused(f"{type(node).__name__} is refused here", "it is not supported", "write it another way")
        return self.statement.programs.met(self, node, method(self, node))

    def boolean(self, node: ast.Expr, where: str) -> Typed:
        value = self.bind(node)
        if value.type.name not in ("boolean", "unknown"):
            raise SqlInvalid("the SQL has a type mismatch", f"{where} needs a boolean, not {value.type}")
        return coerce(value, BOOLEAN)

    def owners(self, node: ast.Expr) -> list[Scope]:
        """The scopes whose columns an expression mentions."""
        before = len(self.statement.uses)
        self.bind(node)
        return [owner for owner, _ in self.statement.uses[before:]]

    def column(self, found: Visible, owner: Scope) -> Typed:
        """A resolved column; `GroupedBinder` checks here that it is grouped."""
        return found.value

    def name(self, node: ast.Name) -> Typed:
        for names in reversed(self.lambdas):
            if node.name.lower() in names:
                return names[node.name.lower()]
        if node.name.lower() in self.outputs:
            return self.outputs[node.name.lower()]
        found = self.scope.find(node.name)
        if found is None:
            known = ", ".join(self.scope.names()[:20]) or "none"
            raise SqlInvalid(
                "the SQL names an unknown column", f"{node.name} is not among: {known}", "correct the name"
            )
        return self.met(*found)

    def met(self, found: Visible, owner: Scope) -> Typed:
        self.statement.uses.append((owner, self.statement.place))
        return self.column(found, owner)

    def field(self, node: ast.Field) -> Typed:
        if isinstance(node.base, ast.Name) and not any(node.base.name.lower() in n for n in self.lambdas):
            found = self.scope.find(node.name, node.base.name)
            if found is not None:
                return self.met(*found)
            if self.scope.find(node.base.name) is None and self.scope.has_relation(node.base.name):
                raise SqlInvalid("the SQL names an unknown column", f"{node.base.name} has no column {node.name}")
        base = self.bind(node.base)
        if base.type.name != "row":
            raise SqlInvalid("the SQL names an unknown field", f"{base.type} has no field {node.name}")
        return self.row_field(base, node.name)

    def row_field(self, base: Typed, name: str) -> Typed:
        hits = [i for i, n in enumerate(base.type.fields) if n is not None and n.lower() == name.lower()]
        if len(hits) != 1:
            raise SqlInvalid("the SQL names an unknown field", f"{base.type} has no single field {name}")
        inside = field_names(base.type)[hits[0]]
        return operators.mapped(base, base.type.args[hits[0]], lambda s: f"struct_extract({s}, {quote_text(inside)})")

    def unary(self, node: ast.Unary) -> Typed:
        if node.op == "not":
            return operators.mapped(self.boolean(node.value, "NOT"), BOOLEAN, lambda a: f"(NOT {a})")
        value = self.bind(node.value)
        if node.op == "-":
            return operators.negate(value)
        if not value.type.is_number:
            raise operators.mismatch("+", value.type)
        return value

    def binary(self, node: ast.Binary) -> Typed:
        left, right = self.bind(node.left), self.bind(node.right)
        if node.op in ("and", "or"):
            for side in (left, right):
                if side.type.name not in ("boolean", "unknown"):
                    raise operators.mismatch(node.op.upper(), side.type)
            return operators.logical(node.op, left, right)
        if node.op == "||":
            return operators.concatenate(left, right)
        if node.op in ("+", "-", "*", "/", "%"):
            return operators.arithmetic(node.op, left, right)
        return operators.compare(node.op, left, right)

    def between(self, node: ast.Between) -> Typed:
        value = self.bind(node.value)
        low, high = self.bind(node.low), self.bind(node.high)
        common = common_type(value.type, low.type)
        common = common_type(common, high.type) if common else None
        if common is None:
            raise operators.mismatch("BETWEEN", value.type, low.type, high.type)
        value, low, high = (coerce(v, common) for v in (value, low, high))
        first, second = operators.compare(">=", value, low), operators.compare("<=", value, high)
        return operators.logical("and", first, second)

    def in_list(self, node: ast.InList) -> Typed:
        value = self.bind(node.value)
        items = [self.bind(i) for i in node.items]
        common: Type | None = value.type
        for item in items:
            common = common_type(common, item.type) if common else None
        if common is None:
            raise operators.mismatch("IN", value.type, *(i.type for i in items))
        value, items = coerce(value, common), [coerce(i, common) for i in items]
        if common.name == "unknown":
            return null_of(BOOLEAN)
        if len(items) > 2 and any(i.is_constant and i.constant is None for i in items):
            raise SqlRefused("IN with NULL among several values is refused", "Trino's own answer to it is not reliable",
                             "leave NULL out, or compare with IS NULL")  # fmt: skip
        if not common.args and (not common.is_floating or all(i.is_constant for i in items)):

            def write(*args: str) -> str:
                return f"({args[0]} IN ({', '.join(args[1:])}))"

            fails = any(v.fails for v in (value, *items))
            sql = write(value.sql, *(i.sql for i in items))
            quiet = None
            if fails and all(not i.fails for i in items) and (silent := value.silenced()):
                quiet = write(silent.sql, *(i.sql for i in items))
            return Typed(sql, BOOLEAN, fails=fails, quiet=quiet, volatile=value.volatile)
        found = operators.compare("=", value, items[0])
        for item in items[1:]:
            found = operators.logical("or", found, operators.compare("=", value, item))
        return found

    def like(self, node: ast.Like) -> Typed:
        value, pattern = self.bind(node.value), self.bind(node.pattern)
        if {value.type.name, pattern.type.name} - {"varchar", "unknown"}:
            raise operators.mismatch("LIKE", value.type, pattern.type)
        value, pattern = coerce(value, VARCHAR), coerce(pattern, VARCHAR)
        suffix = ""
        if node.escape is not None:
            suffix = literals.like_escape(self.bind(node.escape), pattern)
        return operators.combined(value, pattern, BOOLEAN, lambda a, b: f"({a} LIKE {b}{suffix})")

    def is_null(self, node: ast.IsNull) -> Typed:
        return constructs.is_null(self.bind(node.value))

    def cast(self, node: ast.Cast) -> Typed:
        return cast(self.bind(node.value), literals.written_type(node.type), node.safe)

    def literal(self, node: ast.Literal) -> Typed:
        return literals.literal(node)

    def typed_literal(self, node: ast.TypedLiteral) -> Typed:
        return literals.typed_literal(node)

    def interval(self, node: ast.Interval) -> Typed:
        return literals.interval(node)

    def case(self, node: ast.Case) -> Typed:
        conditions: list[Typed] = []
        for when, _ in node.whens:
            if node.operand is None:
                conditions.append(self.boolean(when, "WHEN"))
            else:
                conditions.append(operators.compare("=", self.bind(node.operand), self.bind(when)))
        results = [self.bind(then) for _, then in node.whens]
        default = self.bind(node.default) if node.default is not None else Typed("NULL", UNKNOWN, constant=None)
        return constructs.choose(conditions, results, default)

    def extract(self, node: ast.Extract) -> Typed:
        names = {"dow": "day_of_week", "doy": "day_of_year", "yow": "year_of_week"}
        name = names.get(node.field, node.field)
        if name not in _EXTRACTED:
            raise SqlInvalid("the SQL does not parse", f"EXTRACT has no field {node.field}")
        return translated(name, FUNCTIONS.get(name, []), [self.bind(node.value)], self.bind_lambda)

    def at_time_zone(self, node: ast.AtTimeZone) -> Typed:
        args = [self.bind(node.value), self.bind(node.zone)]
        return translated("at_timezone", FUNCTIONS.get("at_timezone", []), args, self.bind_lambda)

    def array_of(self, node: ast.ArrayOf) -> Typed:
        items = [self.bind(i) for i in node.items]
        common: Type | None = UNKNOWN
        for item in items:
            common = common_type(common, item.type) if common else None
        if common is None:
            raise operators.mismatch("ARRAY[...]", *(i.type for i in items))
        items = [coerce(i, common) for i in items]
        return constructs.array_of(items, array(common))

    def row_of(self, node: ast.RowOf) -> Typed:
        items = [self.bind(i) for i in node.items]
        kind = row(tuple(None for _ in items), tuple(i.type for i in items))
        return constructs.row_of(items, kind)

    def subscript(self, node: ast.Subscript) -> Typed:
        base, index = self.bind(node.base), self.bind(node.index)
        if base.type.name == "row":
            if not isinstance(index.constant, int) or not 1 <= index.constant <= len(base.type.args):
                raise SqlInvalid("the SQL names an unknown field", f"{base.type} has no such field")
            inside = field_names(base.type)[index.constant - 1]
            kind = base.type.args[index.constant - 1]
            return operators.mapped(base, kind, lambda s: f"struct_extract({s}, {quote_text(inside)})")
        return translated("[]", FUNCTIONS.get("[]", []), [base, index], self.bind_lambda)

    def scalar(self, node: ast.Scalar) -> Typed:
        bound = self.statement.bind_query(node.query, self.inner_scope(), "scalar")
        if len(bound.columns) != 1:
            raise SqlInvalid("the SQL has a subquery of several columns as a value", "it needs one column")
        return Typed(f"({bound.sql})", bound.columns[0][1])

    def exists(self, node: ast.Exists) -> Typed:
        bound = self.statement.bind_query(node.query, self.inner_scope(), "exists")
        return Typed(f"EXISTS ({bound.sql})", BOOLEAN)

    def inner_scope(self) -> Scope:
        """The scope that a subquery sees around itself. Lambda parameters cannot be seen from there."""
        if self.lambdas:
            raise SqlRefused("a subquery inside a lambda is refused", "DuckDB cannot run it", "join before")
        return self.scope

    def in_query(self, node: ast.InQuery) -> Typed:
        return self.quantified(ast.Quantified("=", "ANY", node.value, node.query))

    def quantified(self, node: ast.Quantified) -> Typed:
        """x = ANY (SELECT ...): as on Trino, NaN and rows with NULL are found again here, unlike with =."""
        value = self.bind(node.value)
        bound = self.statement.bind_query(node.query, self.inner_scope(), "in")
        kinds = tuple(t for _, t in bound.columns)
        kind = kinds[0] if len(kinds) == 1 else row(tuple(None for _ in kinds), kinds)
        common = common_type(value.type, kind)
        if common is None:
            raise operators.mismatch(f"{node.op} {node.quantifier}", value.type, kind)
        found = (node.op, node.quantifier) == ("=", "ANY")
        if (common.args and (len(kinds) == 1 or not found)) or (common.is_floating and not found):
            raise SqlRefused(f"a comparison of {common} with a subquery is refused",
                             "NaN or NULLs inside are not compared alike", "use EXISTS")  # fmt: skip
        value = coerce(value, common)
        columns = [Typed(f"s.c{i}", t) for i, t in enumerate(kinds, 1)]
        item = coerce(columns[0] if len(kinds) == 1 else constructs.row_of(columns, kind), common)
        if common.args:
            value = without_nulls(value)
        query = f"SELECT {item.sql} FROM ({bound.sql}) AS s"
        return Typed(f"({value.sql} {node.op} {node.quantifier} ({query}))", BOOLEAN, fails=value.fails)

    def special_call(self, node: ast.SpecialCall) -> Typed:
        bound = [self.bind(a) for a in node.args]
        if node.name in json_constructors.NAMES:
            return json_constructors.construct(node, bound)
        args: list[Argument] = list(bound)
        name = " ".join((node.name, *(o.lower() for o in node.options)))
        return translated(name, FUNCTIONS.get(name, []), args, self.bind_lambda)

    def lambda_(self, node: ast.Lambda) -> Typed:
        raise SqlInvalid("the SQL has a lambda where none is expected", "a lambda is an argument of a function")

    def bind_lambda(self, node: ast.Lambda, kinds: Sequence[Type]) -> Typed:
        depth = len(self.lambdas)
        names = tuple(f"agecli_l{depth}_{i}" for i in range(len(kinds)))
        pairs = zip(node.parameters, names, kinds, strict=True)
        self.lambdas.append({p: Typed(n, k) for p, n, k in pairs})
        try:
            body = remembered(self.bind(node.body), self.lambdas[-1].values())
        finally:
            self.lambdas.pop()
        return Typed(f"lambda {', '.join(names)}: {body.sql}", Type("function"), parameters=names, body=body)

    def arguments(self, nodes: Sequence[ast.Expr]) -> list[Argument]:
        return [n if isinstance(n, ast.Lambda) else self.bind(n) for n in nodes]

    def call(self, node: ast.Call) -> Typed:
        if node.over is not None:
            if not self.allow_windows:
                raise SqlInvalid("the SQL has a window function where none may be", f"{node.name} OVER")
            return windows.bind_window(self, node)
        special = _SPECIAL.get(node.name)
        if special is not None and not (node.star or node.distinct or node.order or node.filter):
            return special(self, node)
        if node.name == "grouping" or (node.name in AGGREGATES and (node.name not in FUNCTIONS or node.star)):
            return self.aggregate(node)
        if node.name in WINDOWS:
            raise SqlInvalid("the SQL has a window function without OVER", node.name)
        if node.star or node.distinct or node.order or node.filter is not None or node.nulls:
            raise SqlInvalid("the SQL does not parse", f"{node.name} is not an aggregate")
        if node.name not in FUNCTIONS:
            raise self.unlisted(node)
        return translated(node.name, FUNCTIONS[node.name], self.arguments(node.args), self.bind_lambda)

    def unlisted(self, node: ast.Call) -> SqlRefused:
        """A function that is not in the list is named before anything that may be wrong with its arguments."""
        try:
            return not_allowed(node.name, [], self.arguments(node.args))
        except SqlInvalid:
            return not_allowed(node.name, [], [])

    def aggregate(self, node: ast.Call) -> Typed:
        raise SqlInvalid("the SQL has an aggregate where none may be", f"{node.name} cannot stand here")

    def try_(self, node: ast.Call) -> Typed:
        if len(node.args) != 1:
            raise SqlInvalid("the SQL does not parse", "TRY takes one argument")
        with self.statement.programs.silenced():
            done = silence(self.bind(node.args[0]), "TRY")
        # the parentheses keep a cast around it from reading through to the text, as Trino's does not either
        return replace(done, sql=f"({done.sql})") if done.sql.startswith("ag_try_json_parse") else done

    def if_(self, node: ast.Call) -> Typed:
        if len(node.args) not in (2, 3):
            raise SqlInvalid("the SQL does not parse", "IF takes two or three arguments")
        condition = self.boolean(node.args[0], "IF")
        default = self.bind(node.args[2]) if len(node.args) == 3 else Typed("NULL", UNKNOWN, constant=None)
        return constructs.choose([condition], [self.bind(node.args[1])], default)

    def coalesce(self, node: ast.Call) -> Typed:
        items = [self.bind(a) for a in node.args]
        if len(items) < 2:
            raise SqlInvalid("the SQL does not parse", "COALESCE takes two or more arguments")
        items = constructs.unified("COALESCE", items)
        return constructs.first_known(items)

    def nullif(self, node: ast.Call) -> Typed:
        if len(node.args) != 2:
            raise SqlInvalid("the SQL does not parse", "NULLIF takes two arguments")
        first, second = (self.bind(a) for a in node.args)
        if first.type.name == "unknown":
            return first
        if second.type.name == "unknown":
            return first
        common = common_type(first.type, second.type)
        plain = common is not None and not common.args and not common.is_floating and common.name == first.type.name
        if (plain and not first.type.params) or (plain and common == first.type):
            other = coerce(second, common or second.type)
            return replace(operators.combined(first, other, first.type, lambda a, b: f"nullif({a}, {b})"),
                           quiet=None if other.fails else _quiet_nullif(first, other))  # fmt: skip
        equal = operators.compare("=", first, second)
        fails = first.fails or second.fails
        return Typed(f"CASE WHEN {equal.sql} THEN NULL ELSE {first.sql} END", first.type, fails=fails)

    def typeof(self, node: ast.Call) -> Typed:
        if len(node.args) != 1:
            raise SqlInvalid("the SQL does not parse", "TYPEOF takes one argument")
        value = self.bind(node.args[0])
        shown = str(value.type)
        if value.fails:
            checked = f"CASE WHEN ({value.sql}) IS NULL THEN '' ELSE '' END || {quote_text(shown)}"
            return Typed(f"({checked})", VARCHAR, fails=True)
        return Typed(quote_text(shown), VARCHAR, constant=shown)

    def fail_(self, node: ast.Call) -> Typed:
        message = self.bind(node.args[0]) if len(node.args) == 1 else None
        if message is None or not isinstance(message.constant, str):
            raise SqlRefused("fail() is refused", "its message has to be a text literal", "write the text")
        return Typed(failure(message.constant, "INTEGER"), UNKNOWN, fails=True, quiet="NULL")


def _quiet_nullif(first: Typed, second: Typed) -> str | None:
    silent = first.silenced()
    return None if silent is None else f"nullif({silent.sql}, {second.sql})"


def without_nulls(value: Typed) -> Typed:
    """A row for IN (SELECT ...): with NULL inside, Trino's answer depends on where the IN stands."""
    fields = " OR ".join(f"struct_extract({value.sql}, '{n}') IS NULL" for n in field_names(value.type))
    checked = guard(fields, "a row with NULL in it is sought in a subquery", duckdb_type(value.type))
    return replace(value, sql=f"coalesce({checked}, {value.sql})")


_EXTRACTED = ("year", "quarter", "month", "week", "day", "day_of_month", "day_of_week", "day_of_year", "year_of_week",
              "hour", "minute", "second", "timezone_hour", "timezone_minute")  # fmt: skip

_SPECIAL: dict[str, Callable[[ExpressionBinder, ast.Call], Typed]] = {
    "try": ExpressionBinder.try_,
    "if": ExpressionBinder.if_,
    "coalesce": ExpressionBinder.coalesce,
    "nullif": ExpressionBinder.nullif,
    "typeof": ExpressionBinder.typeof,
    "fail": ExpressionBinder.fail_,
}

_METHODS: dict[type[ast.Expr], Callable[[ExpressionBinder, Any], Typed]] = {
    ast.Name: ExpressionBinder.name,
    ast.Field: ExpressionBinder.field,
    ast.Literal: ExpressionBinder.literal,
    ast.TypedLiteral: ExpressionBinder.typed_literal,
    ast.Interval: ExpressionBinder.interval,
    ast.Unary: ExpressionBinder.unary,
    ast.Binary: ExpressionBinder.binary,
    ast.Between: ExpressionBinder.between,
    ast.InList: ExpressionBinder.in_list,
    ast.InQuery: ExpressionBinder.in_query,
    ast.Quantified: ExpressionBinder.quantified,
    ast.Exists: ExpressionBinder.exists,
    ast.Scalar: ExpressionBinder.scalar,
    ast.Like: ExpressionBinder.like,
    ast.IsNull: ExpressionBinder.is_null,
    ast.Cast: ExpressionBinder.cast,
    ast.Case: ExpressionBinder.case,
    ast.Extract: ExpressionBinder.extract,
    ast.AtTimeZone: ExpressionBinder.at_time_zone,
    ast.ArrayOf: ExpressionBinder.array_of,
    ast.RowOf: ExpressionBinder.row_of,
    ast.Subscript: ExpressionBinder.subscript,
    ast.SpecialCall: ExpressionBinder.special_call,
    ast.Lambda: ExpressionBinder.lambda_,
    ast.Call: ExpressionBinder.call,
}
