"""Arithmetic and comparison as Trino does them: result types, overflow, division by zero, NaN, NULL inside arrays."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from agecli.engines.dialect.casts import coerce, null_of
from agecli.engines.dialect.registry import NOT_CONSTANT, Macro, Typed, failure, guard, provide
from agecli.engines.dialect.types import (
    BOOLEAN,
    DATE,
    DAY_TO_SECOND,
    VARCHAR,
    YEAR_TO_MONTH,
    Type,
    common_type,
    decimal,
    duckdb_type,
    field_names,
    integer_digits,
    quote_text,
)
from agecli.errors import SqlFailed, SqlInvalid, SqlRefused

_DAY = 86_400_000

provide(
    Macro(
        "ag_and_all",
        "(l) AS CASE WHEN list_contains(l, false) THEN false WHEN len(list_filter(l, lambda e: e IS NULL)) > 0 THEN NULL "
        "ELSE true END",
    )
)


def is_cheap(value: Typed) -> bool:
    """Whether the SQL may be written twice: a column, a literal, or a short native expression."""
    if value.is_constant:
        return True
    return not value.volatile and len(value.sql) <= 80 and not re.search(r"\bag_|\(SELECT|lambda", value.sql)


def once(value: Typed, body: Callable[[str], str], variable: str = "v") -> str:
    """`body` over the value's SQL, evaluated once even if `body` mentions it several times."""
    if is_cheap(value):
        return body(value.sql)
    name = f"{variable}{value.sql.count('lambda ')}"
    return f"list_extract(list_transform([{value.sql}], lambda {name}: {body(name)}), 1)"


def both(left: Typed, right: Typed, body: Callable[[str, str], str]) -> str:
    """`body` over two values, each evaluated once even if `body` mentions it several times."""
    if is_cheap(left) and is_cheap(right):
        return body(left.sql, right.sql)
    name = f"q{max(left.sql.count('lambda '), right.sql.count('lambda '))}"
    inside = body(f"struct_extract({name}, 'a')", f"struct_extract({name}, 'b')")
    packed = f"[struct_pack(a := {left.sql}, b := {right.sql})]"
    return f"list_extract(list_transform({packed}, lambda {name}: {inside}), 1)"


def mismatch(op: str, *kinds: Type) -> SqlInvalid:
    shown = ", ".join(map(str, kinds))
    return SqlInvalid("the SQL has a type mismatch", f"{op} does not take ({shown})")


def combined(
    left: Typed, right: Typed, kind: Type, write: Callable[[str, str], str], fails: bool = False,
    quiet: Callable[[str, str], str] | None = None,
) -> Typed:  # fmt: skip
    """A strict operator over two values, with its quiet form."""
    any_fails = fails or left.fails or right.fails
    silent = None
    if any_fails:
        a, b = left.silenced(), right.silenced()
        if a is not None and b is not None and (quiet is not None or not fails):
            silent = (quiet or write)(a.sql, b.sql)
    return Typed(
        write(left.sql, right.sql), kind, fails=any_fails, quiet=silent, volatile=left.volatile or right.volatile
    )


def mapped(
    value: Typed,
    kind: Type,
    write: Callable[[str], str],
    fails: bool = False,
    quiet: Callable[[str], str] | None = None,
) -> Typed:
    """A strict operator over one value, with its quiet form."""
    silent = None
    if fails or value.fails:
        a = value.silenced()
        if a is not None and (quiet is not None or not fails):
            silent = (quiet or write)(a.sql)
    return Typed(write(value.sql), kind, fails=fails or value.fails, quiet=silent, volatile=value.volatile)


def negate(value: Typed) -> Typed:
    kind = value.type
    if kind.name == "unknown":
        raise mismatch("-", kind)
    if not kind.is_number and kind not in (DAY_TO_SECOND, YEAR_TO_MONTH):
        raise mismatch("-", kind)
    if value.is_constant and value.constant is not None:
        return replace(value, sql=f"CAST(-{_bare(value)} AS {duckdb_type(kind)})", constant=-value.constant)
    integer = kind.is_integer
    return mapped(value, kind, lambda a: f"CAST(-({a}) AS {duckdb_type(kind)})", fails=integer,
                  quiet=lambda a: f"TRY_CAST(-({a}) AS {duckdb_type(kind)})")  # fmt: skip


def _bare(value: Typed) -> str:
    return f"({value.sql})"


def arithmetic(op: str, left: Typed, right: Typed) -> Typed:
    """+ - * / % over numbers, dates and intervals."""
    a, b = left.type, right.type
    timed = _TIMED & {a.name, b.name}
    if timed:
        return _timed(op, left, right)
    if a.name == "unknown" and b.name == "unknown":
        raise mismatch(op, a, b)
    if a.name == "unknown" or b.name == "unknown":
        known = b if a.name == "unknown" else a
        if not known.is_number:
            raise mismatch(op, a, b)
        left, right = coerce(left, known), coerce(right, known)
        a = b = known
    if not (a.is_number and b.is_number):
        raise mismatch(op, a, b)
    common = common_type(a, b)
    assert common is not None
    if common.name == "decimal":
        return _decimals(op, _as_decimal(left), _as_decimal(right))
    left, right = coerce(left, common), coerce(right, common)
    return _integers(op, left, right) if common.is_integer else _floats(op, left, right)


_TRY_INTEGER = {"+": "ag_try_add", "-": "ag_try_subtract", "*": "ag_try_multiply"}


def _integers(op: str, left: Typed, right: Typed) -> Typed:
    kind = left.type
    duck = duckdb_type(kind)
    if op in ("+", "-", "*"):
        wide = "HUGEINT"

        def quiet(a: str, b: str) -> str:
            return f"TRY_CAST(CAST({a} AS {wide}) {op} {b} AS {duck})"

        return combined(left, right, kind, lambda a, b: f"({a} {op} {b})", fails=True, quiet=quiet)
    sign = "//" if op == "/" else "%"
    return _divided(left, right, kind, lambda a, b: f"({a} {sign} {b})", f"({{}} {sign} {{}})")


def _divided(left: Typed, right: Typed, kind: Type, write: Callable[[str, str], str], plain: str) -> Typed:
    """Division of exact numbers: an error where the divisor is zero, which DuckDB answers with NULL."""
    if right.is_constant and right.constant:
        return combined(left, right, kind, write)
    zero = failure("Division by zero", duckdb_type(kind))

    def checked(a: str, b: str) -> str:
        if right.is_constant and right.constant is None:
            return write(a, b)
        return once(
            replace(right, sql=b),
            lambda d: (
                f"CASE WHEN {d} = 0 AND {a} IS NOT NULL THEN {zero} ELSE {write(a, d)} END"
                if is_cheap(replace(left, sql=a))
                else f"CASE WHEN {d} = 0 THEN {zero} ELSE {write(a, d)} END"
            ),
            "d",
        )

    def quiet(a: str, b: str) -> str:
        return write(a, f"nullif({b}, 0)")

    return combined(left, right, kind, checked, fails=True, quiet=quiet)


def _floats(op: str, left: Typed, right: Typed) -> Typed:
    return combined(left, right, left.type, lambda a, b: f"({a} {op} {b})")


def _as_decimal(value: Typed) -> Typed:
    return coerce(value, integer_digits(value.type)) if value.type.is_integer else value


def _decimals(op: str, left: Typed, right: Typed) -> Typed:
    (p1, s1), (p2, s2) = left.type.params, right.type.params
    if op in ("+", "-"):
        scale = max(s1, s2)
        kind = decimal(min(38, max(p1 - s1, p2 - s2) + scale + 1), scale)
        return _decimal_sum(op, left, right, kind)
    if op == "*":
        if s1 + s2 > 38:
            raise mismatch(op, left.type, right.type)
        kind = decimal(min(38, p1 + p2), s1 + s2)
        sure = p1 + p2 <= 38
        return combined(left, right, kind, lambda a, b: f"({a} * {b})", fails=not sure,
                        quiet=lambda a, b: f"TRY({a} * {b})")  # fmt: skip
    if op == "/":
        return _decimal_quotient(left, right)
    scale = max(s1, s2)
    kind = decimal(min(p2 - s2, p1 - s1) + scale, scale)
    wide = decimal(min(38, max(p1 - s1, p2 - s2) + scale), scale)
    if max(p1 - s1, p2 - s2) + scale > 38:
        raise SqlRefused(
            f"{left.type} % {right.type} is refused", "it needs more than 38 digits", "cast to fewer digits"
        )
    left, right = coerce(left, wide), coerce(right, wide)
    duck = duckdb_type(kind)
    return _divided(left, right, kind, lambda a, b: f"CAST({a} % {b} AS {duck})", "")


def _decimal_sum(op: str, left: Typed, right: Typed, kind: Type) -> Typed:
    duck = duckdb_type(kind)

    def write(a: str, b: str) -> str:
        return f"CAST(CAST({a} AS {duck}) {op} CAST({b} AS {duck}) AS {duck})"

    return combined(left, right, kind, write, fails=kind.precision == 38, quiet=lambda a, b: f"TRY({write(a, b)})")


def _decimal_quotient(left: Typed, right: Typed) -> Typed:
    """Scale max(s1, s2), rounded half away from zero, by whole-number arithmetic on the unscaled values."""
    (p1, s1), (p2, s2) = left.type.params, right.type.params
    scale = max(s1, s2)
    precision = min(38, p1 + s2 + max(s2 - s1, 0))
    kind = decimal(precision, scale)
    shift = scale - s1 + s2
    long = p1 + shift > 37 or p2 > 37
    if shift > 37:
        raise SqlRefused(f"{left.type} / {right.type} is refused", "it needs too many digits", "cast to double")

    def write(a: str, b: str) -> str:
        top = unscaled(a, s1)
        if long:
            huge = guard(f"abs({top}) >= {10 ** (38 - shift)}", "a division needs more than 38 digits", "HUGEINT")
            top = f"coalesce({huge}, {top})"
        top = f"{top} * {10**shift}"
        return scaled(f"ag_divide_half_up({top}, {unscaled(b, s2)})", kind)

    return _divided(left, right, kind, write, "")


provide(
    Macro(
        "ag_divide_half_up",
        "(n, d) AS (abs(CAST(n AS HUGEINT)) + abs(CAST(d AS HUGEINT)) // 2) // abs(CAST(d AS HUGEINT)) "
        "* (sign(CAST(n AS HUGEINT)) * sign(CAST(d AS HUGEINT)))",
    )
)


def unscaled(sql: str, scale: int) -> str:
    """A decimal of this scale as the whole number behind it (HUGEINT)."""
    return (
        f"CAST({sql} AS HUGEINT)"
        if scale == 0
        else f"CAST(CAST({sql} AS DECIMAL(38,{scale})) * {10**scale} AS HUGEINT)"
    )


def scaled(sql: str, kind: Type) -> str:
    """The decimal whose unscaled value is a HUGEINT expression."""
    if kind.scale == 0:
        return f"CAST({sql} AS {duckdb_type(kind)})"
    return f"CAST(CAST({sql} AS DECIMAL(38,0)) * {_unit(kind.scale)} AS {duckdb_type(kind)})"


def _unit(scale: int) -> str:
    return f"CAST('0.{'0' * (scale - 1)}1' AS DECIMAL({scale},{scale}))"


_TIMED = {"date", "timestamp", "timestamp with time zone", "interval day to second", "interval year to month", "time"}


def _timed(op: str, left: Typed, right: Typed) -> Typed:
    a, b = left.type.name, right.type.name
    intervals = ("interval day to second", "interval year to month")
    if op == "+" and a in intervals and b in ("date", "timestamp", "timestamp with time zone"):
        left, right, a, b = right, left, b, a
    if op in ("+", "-"):
        if a == b and a in intervals:
            return combined(left, right, left.type, lambda x, y: f"({x} {op} {y})")
        if b == intervals[0] and a in ("date", "timestamp", "timestamp with time zone"):
            return _plus_milliseconds(op, left, right)
        if b == intervals[1] and a in ("date", "timestamp"):
            return _plus_months(op, left, right)
        if op == "-" and {a, b} <= {"date", "timestamp"}:
            if a == "date" == b:
                return combined(left, right, DAY_TO_SECOND, lambda x, y: f"(CAST({x} - {y} AS BIGINT) * {_DAY})")
            left, right = coerce_pair("-", left, right)
            return combined(left, right, DAY_TO_SECOND, lambda x, y: f"ag_milliseconds(epoch_us({x}) - epoch_us({y}))")
    if op == "*" and (a in intervals or b in intervals):
        span, factor = (left, right) if a in intervals else (right, left)
        if factor.type.is_integer:
            return combined(span, factor, span.type, lambda x, y: f"CAST({x} * {y} AS {duckdb_type(span.type)})")
    raise SqlRefused(f"{left.type} {op} {right.type} is refused", "it is not among the operators that are allowed",
                     "use date_add or date_diff")  # fmt: skip


def _plus_milliseconds(op: str, left: Typed, right: Typed) -> Typed:
    if left.type == DATE:
        if right.is_constant and right.constant is not None:
            if right.constant % _DAY:
                raise SqlFailed("the query fails", "Cannot add hour, minutes or seconds to a date", "cast to timestamp")
            days = right.constant // _DAY
            return mapped(left, DATE, lambda x: f"({x} {op} {days})")
        wrong = failure("Cannot add hour, minutes or seconds to a date", "INTEGER")
        days_of = f"CASE WHEN {right.sql} % {_DAY} <> 0 THEN {wrong} ELSE CAST({right.sql} // {_DAY} AS INTEGER) END"
        return Typed(f"({left.sql} {op} {days_of})", DATE, fails=True)
    kind = replace(left.type, params=(max(3, left.type.precision),))
    return combined(left, right, kind, lambda x, y: f"({x} {op} to_microseconds({y} * 1000))")


def _plus_months(op: str, left: Typed, right: Typed) -> Typed:
    duck = duckdb_type(left.type)
    return combined(left, right, left.type, lambda x, y: f"CAST({x} {op} to_months({y}) AS {duck})")


def coerce_pair(op: str, left: Typed, right: Typed) -> tuple[Typed, Typed]:
    """Both as their common type; SqlInvalid where they have none."""
    common = common_type(left.type, right.type)
    if common is None:
        raise mismatch(op, left.type, right.type)
    return coerce(left, common), coerce(right, common)


def compare(op: str, left: Typed, right: Typed) -> Typed:
    """= <> < <= > >= and distinct, between values that have a common type."""
    if left.type.name == right.type.name == "unknown":
        return null_of(BOOLEAN)
    left, right = coerce_pair(op, left, right)
    kind = left.type
    if op == "distinct":
        if left.fails or right.fails:
            made = combined(left, right, BOOLEAN, lambda a, b: f"({a} IS DISTINCT FROM {b})")
            return replace(made, quiet=None)
        return Typed(f"({left.sql} IS DISTINCT FROM {right.sql})", BOOLEAN, volatile=left.volatile or right.volatile)
    if op in ("=", "<>"):
        if kind.name in _INCOMPARABLE:
            raise mismatch(op, kind, kind)
        return _equal(op, left, right)
    if kind.name in (*_INCOMPARABLE, "json", "map"):
        raise mismatch(op, kind, kind)
    if kind.args:
        raise SqlRefused(
            f"{kind} {op} {kind} is refused", "arrays and rows are not ordered here", "compare their members"
        )
    if kind.is_floating:
        return _float_order(op, left, right)
    return combined(left, right, BOOLEAN, lambda a, b: f"({a} {op} {b})")


_INCOMPARABLE = ("function", "hyperloglog")


def _equal(op: str, left: Typed, right: Typed) -> Typed:
    kind = left.type
    if not kind.args and not kind.is_floating:
        return combined(left, right, BOOLEAN, lambda a, b: f"({a} {op} {b})")

    def write(a: str, b: str) -> str:
        one, two = replace(left, sql=a), replace(right, sql=b)
        equal = both(one, two, lambda x, y: equality(kind, x, y, max(a.count("lambda "), b.count("lambda ")) + 1))
        return equal if op == "=" else f"(NOT {equal})"

    if kind.is_floating and (_never_nan(left) or _never_nan(right)):
        return combined(left, right, BOOLEAN, lambda a, b: f"({a} {op} {b})")
    return combined(left, right, BOOLEAN, write)


def _never_nan(value: Typed) -> bool:
    if not value.is_constant:
        return False
    return value.constant is None or value.constant == value.constant


def equality(kind: Type, a: str, b: str, depth: int) -> str:
    """a = b as Trino has it: NaN equals nothing, a NULL inside makes it NULL unless something else differs."""
    if kind.is_floating:
        return f"(({a} = {b}) AND ({b} IS NULL OR NOT isnan({a})))"
    if kind.name == "row":
        parts = []
        for name, inner in zip(field_names(kind), kind.args, strict=True):
            one, two = (f"struct_extract({s}, {quote_text(name)})" for s in (a, b))
            parts.append(equality(inner, one, two, depth))
        return "(" + " AND ".join(parts) + ")"
    if kind.name == "array":
        z = f"z{depth}"
        one, two = f"struct_extract_at({z}, 1)", f"struct_extract_at({z}, 2)"
        inside = equality(kind.element, one, two, depth + 1)
        return (
            f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL WHEN len({a}) <> len({b}) THEN false "
            f"ELSE ag_and_all(list_transform(list_zip({a}, {b}), lambda {z}: {inside})) END"
        )
    if kind.name == "map":
        if kind.contains_floating():
            raise SqlRefused(
                "= between maps of floating numbers is refused", "NaN cannot be told apart", "compare members"
            )
        nulls = " OR ".join(f"len(list_filter(map_values({s}), lambda e: e IS NULL)) > 0" for s in (a, b))
        order = "list_sort(map_entries({}))"
        return (
            f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL WHEN {nulls} THEN "
            f"CAST(error('agecli-refused: maps with NULL values are compared') AS BOOLEAN) "
            f"ELSE {order.format(a)} = {order.format(b)} END"
        )
    return f"({a} = {b})"


def _float_order(op: str, left: Typed, right: Typed) -> Typed:
    """DuckDB puts NaN above every number; to Trino every order comparison with NaN is false."""
    if op in (">", ">="):
        suspect, other = left, right
    else:
        suspect, other = right, left
    if _never_nan(suspect):
        return combined(left, right, BOOLEAN, lambda a, b: f"({a} {op} {b})")

    def write(a: str, b: str) -> str:
        one, two = (a, b) if suspect is left else (b, a)
        real = f"NOT isnan({one})" if _never_nan(other) else f"({two} IS NULL OR NOT isnan({one}))"
        return f"(({a} {op} {b}) AND {real})"

    return combined(left, right, BOOLEAN, write)


def logical(op: str, left: Typed, right: Typed) -> Typed:
    """AND and OR. An error on one side may be hidden by the other, so there is no quiet form unless neither fails."""
    left, right = coerce(left, BOOLEAN), coerce(right, BOOLEAN)
    fails = left.fails or right.fails
    return Typed(
        f"({left.sql} {op.upper()} {right.sql})", BOOLEAN, fails=fails, volatile=left.volatile or right.volatile
    )


def concatenate(left: Typed, right: Typed) -> Typed:
    """|| over text, binary and arrays."""
    a, b = left.type, right.type
    if "array" in (a.name, b.name):
        return _array_concatenation(left, right)
    if {a.name, b.name} <= {"varchar", "unknown"}:
        left, right = coerce(left, VARCHAR), coerce(right, VARCHAR)
        constant = NOT_CONSTANT
        if isinstance(left.constant, str) and isinstance(right.constant, str):
            constant = left.constant + right.constant
        return replace(combined(left, right, VARCHAR, lambda x, y: f"({x} || {y})"), constant=constant)
    if a.name == b.name == "varbinary":
        return combined(left, right, a, lambda x, y: f"({x} || {y})")
    raise mismatch("||", a, b)


def _array_concatenation(left: Typed, right: Typed) -> Typed:
    a, b = left.type, right.type
    if a.name == b.name == "array" and (common := common_type(a, b)):
        left, right = coerce(left, common), coerce(right, common)
        return combined(
            left,
            right,
            common,
            lambda x, y: f"CASE WHEN ({x}) IS NULL OR ({y}) IS NULL THEN NULL ELSE list_concat({x}, {y}) END",
        )
    if a.name == "array" and common_type(a.element, b) is not None:
        kind = Type("array", args=(common_type(a.element, b) or b,))
        left, right = coerce(left, kind), coerce(right, kind.element)
        return combined(
            left, right, kind, lambda x, y: f"CASE WHEN ({x}) IS NULL OR ({y}) IS NULL THEN NULL ELSE list_append({x}, {y}) END"
        )
    if b.name == "array" and common_type(b.element, a) is not None:
        kind = Type("array", args=(common_type(b.element, a) or a,))
        left, right = coerce(left, kind.element), coerce(right, kind)
        return combined(
            left, right, kind, lambda x, y: f"CASE WHEN ({x}) IS NULL OR ({y}) IS NULL THEN NULL ELSE list_prepend({x}, {y}) END"
        )
    raise mismatch("||", a, b)
