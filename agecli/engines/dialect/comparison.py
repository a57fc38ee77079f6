"""Comparison as Trino does it: NaN, NULL inside arrays and rows, AND and OR with errors."""

from __future__ import annotations

from dataclasses import replace

from agecli.engines.dialect.casts import coerce, null_of
from agecli.engines.dialect.evaluation import both, coerce_pair, combined, guarded, mismatch
from agecli.engines.dialect.registry import Macro, Typed, provide
from agecli.engines.dialect.types import (
    BOOLEAN,
    Type,
    field_names,
    quote_text,
)
from agecli.errors import SqlRefused

provide(
    Macro(
        "ag_and_all",
        "(l) AS CASE WHEN list_contains(l, false) THEN false "
        "WHEN len(list_filter(l, lambda e: e IS NULL)) > 0 THEN NULL ELSE true END",
    )
)


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
    """AND and OR. The right side is not evaluated, and cannot fail, where the left one decides."""
    left, right = coerce(left, BOOLEAN), coerce(right, BOOLEAN)
    fails = left.fails or right.fails
    quiet = broken = None
    a, b = left.silenced(), right.silenced()
    if fails and a is not None and b is not None and left.breaks is not None and right.breaks is not None:
        decides = f"({a.sql}) IS NOT DISTINCT FROM {'false' if op == 'and' else 'true'}"
        broken = f"({left.breaks} OR (NOT {decides} AND {right.breaks}))"
        quiet = guarded(broken, f"({a.sql} {op.upper()} {b.sql})")
    volatile = left.volatile or right.volatile
    sql = f"({left.sql} {op.upper()} {right.sql})"
    return Typed(sql, BOOLEAN, fails=fails, quiet=quiet, volatile=volatile, broken=broken)
