"""Arithmetic as Trino does it: result types, overflow, division by zero, decimals, dates and intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agecli.engines.dialect.casts import coerce
from agecli.engines.dialect.evaluation import coerce_pair, combined, mapped, mismatch, once
from agecli.engines.dialect.registry import NOT_CONSTANT, Macro, Typed, failure, guard, provide
from agecli.engines.dialect.types import (
    DATE,
    DAY_TO_SECOND,
    VARCHAR,
    YEAR_TO_MONTH,
    Type,
    common_type,
    decimal,
    duckdb_type,
    integer_digits,
)
from agecli.errors import SqlFailed, SqlRefused

_DAY = 86_400_000


def negate(value: Typed) -> Typed:
    kind = value.type
    if kind.name == "unknown":
        raise mismatch("-", kind)
    if not kind.is_number and kind not in (DAY_TO_SECOND, YEAR_TO_MONTH):
        raise mismatch("-", kind)
    if value.is_constant and value.constant is not None:
        return replace(value, sql=f"CAST(-{_bare(value)} AS {duckdb_type(kind)})", constant=-value.constant)
    if kind.is_floating:  # DuckDB would make x <= -1 of -x >= 1, and of NaN, which it takes for the greatest, x <= NaN
        return mapped(value, kind, lambda a: f"CAST(({a}) * -1e0 AS {duckdb_type(kind)})")
    integer = kind.is_integer
    return mapped(value, kind, lambda a: f"CAST(-({a}) AS {duckdb_type(kind)})", fails=integer,
                  quiet=lambda a: f"TRY_CAST(-CAST({a} AS HUGEINT) AS {duckdb_type(kind)})")  # fmt: skip


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
    return _divided(left, right, kind, lambda a, b: f"({a} {sign} {b})")


def _divided(left: Typed, right: Typed, kind: Type, write: Callable[[str, str], str]) -> Typed:
    """Division of exact numbers: an error where the divisor is zero, which DuckDB answers with NULL."""
    if right.is_constant and right.constant:
        return combined(left, right, kind, write)
    zero = failure("Division by zero", duckdb_type(kind))

    def checked(a: str, b: str) -> str:
        if right.is_constant and right.constant is None:
            return write(a, b)
        return once(
            replace(right, sql=b),
            lambda d: f"CASE WHEN {d} = 0 THEN CASE WHEN {a} IS NOT NULL THEN {zero} END ELSE {write(a, d)} END",
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
        wide, duck = f"DECIMAL({kind.precision},{s1})", duckdb_type(kind)

        def product(a: str, b: str) -> str:
            return f"CAST(CAST({a} AS {wide}) * {b} AS {duck})"

        return combined(left, right, kind, product, fails=not sure, quiet=lambda a, b: f"TRY({product(a, b)})")
    if op == "/":
        return _decimal_quotient(left, right)
    scale = max(s1, s2)
    kind = decimal(min(p2 - s2, p1 - s1) + scale, scale)
    if max(p1 - s1, p2 - s2) + scale > 38:
        raise SqlRefused(
            f"{left.type} % {right.type} is refused", "it needs more than 38 digits", "cast to fewer digits"
        )
    shared = decimal(max(p1 - s1, p2 - s2) + scale, scale)
    left, right = coerce(left, shared), coerce(right, shared)
    duck = duckdb_type(kind)
    return _divided(left, right, kind, lambda a, b: f"CAST({a} % {b} AS {duck})")


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

    return _divided(left, right, kind, write)


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


def concatenate(left: Typed, right: Typed) -> Typed:
    """|| over text, binary and arrays."""
    a, b = left.type, right.type
    if "array" in (a.name, b.name):
        return _array_concatenation(left, right)
    if {a.name, b.name} <= {"varchar", "unknown"}:
        left, right = coerce(left, VARCHAR), coerce(right, VARCHAR)
        constant: object = NOT_CONSTANT
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
            left,
            right,
            kind,
            lambda x, y: f"CASE WHEN ({x}) IS NULL OR ({y}) IS NULL THEN NULL ELSE list_append({x}, {y}) END",
        )
    if b.name == "array" and common_type(b.element, a) is not None:
        kind = Type("array", args=(common_type(b.element, a) or a,))
        left, right = coerce(left, kind.element), coerce(right, kind)
        return combined(
            left,
            right,
            kind,
            lambda x, y: f"CASE WHEN ({x}) IS NULL OR ({y}) IS NULL THEN NULL ELSE list_prepend({x}, {y}) END",
        )
    raise mismatch("||", a, b)


def _unless_null(x: str, y: str, made: str) -> str:
    return f"CASE WHEN ({x}) IS NULL OR ({y}) IS NULL THEN NULL ELSE {made} END"
