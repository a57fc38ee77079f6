"""Conditions of WHERE and ON as intervals of one column, where they surely reach the reader as such.

Only comparisons of a bare column with a literal are taken, and AND, BETWEEN, IN and OR of them. Anything else stays
out, which at worst leaves row groups counted that the reader skips.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from agecli.cost.usage import Interval, Mention, Path, Predicate
from agecli.engines.dialect import ast

Base = Callable[[ast.Expr], tuple[Mention, Path] | None]
Constant = tuple[str, object]
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}
_MOST_VALUES = 100  # of an IN list; longer ones count as the range between the least and the greatest


def pushed(node: ast.Expr, base: Base) -> Iterator[tuple[Mention, Predicate]]:
    """The conditions that all rows must meet, each with the mention that it is about."""
    if isinstance(node, ast.Binary) and node.op == "and":
        yield from pushed(node.left, base)
        yield from pushed(node.right, base)
        return
    found = _single(node, base)
    if found is not None:
        yield found


def count(node: ast.Expr) -> int:
    """How many conditions AND joins."""
    return count(node.left) + count(node.right) if isinstance(node, ast.Binary) and node.op == "and" else 1


def _single(node: ast.Expr, base: Base) -> tuple[Mention, Predicate] | None:
    if isinstance(node, ast.IsNull):
        return _of(node.value, base, "", null=True)
    if isinstance(node, ast.Unary) and node.op == "not" and isinstance(node.value, ast.IsNull):
        return _of(node.value.value, base, "", present=True)
    if isinstance(node, ast.Binary) and node.op == "or":
        return _either(_single(node.left, base), _single(node.right, base))
    if isinstance(node, ast.Binary) and node.op in _SWAPPED:
        return _comparison(node, base)
    if isinstance(node, ast.Between):
        return _range(node.value, constant(node.low), constant(node.high), base)
    if isinstance(node, ast.InList):
        return _values(node, base)
    return None


def _comparison(node: ast.Binary, base: Base) -> tuple[Mention, Predicate] | None:
    column, value, op = node.left, constant(node.right), node.op
    if value is None:
        column, value, op = node.right, constant(node.left), _SWAPPED[node.op]
    if value is None:
        return None
    kind, bound = value
    interval = {
        "=": Interval(bound, False, bound, False),
        "<": Interval(None, False, bound, True),
        "<=": Interval(None, False, bound, False),
        ">": Interval(bound, True),
        ">=": Interval(bound, False),
    }[op]
    return _of(column, base, kind, (interval,))


def _range(
    column: ast.Expr, low: Constant | None, high: Constant | None, base: Base
) -> tuple[Mention, Predicate] | None:
    if low is None or high is None or low[0] != high[0]:
        return None
    return _of(column, base, low[0], (Interval(low[1], False, high[1], False),))


def _values(node: ast.InList, base: Base) -> tuple[Mention, Predicate] | None:
    values = [constant(item) for item in node.items]
    known = [value for value in values if value is not None]
    kinds = {kind for kind, _ in known}
    if len(known) != len(values) or len(kinds) != 1:
        return None
    bounds = sorted({bound for _, bound in known})  # type: ignore[type-var]
    intervals = tuple(Interval(bound, False, bound, False) for bound in bounds)
    if len(intervals) > _MOST_VALUES:
        intervals = (Interval(bounds[0], False, bounds[-1], False),)
    return _of(node.value, base, kinds.pop(), intervals)


def _either(
    one: tuple[Mention, Predicate] | None, two: tuple[Mention, Predicate] | None
) -> tuple[Mention, Predicate] | None:
    """OR of two conditions on one column is the union of their intervals."""
    if one is None or two is None or one[0] is not two[0]:
        return None
    a, b = one[1], two[1]
    if (a.path, a.kind) != (b.path, b.kind) or not (a.intervals and b.intervals):
        return None
    return one[0], replace(a, intervals=(*a.intervals, *b.intervals))


def _of(
    column: ast.Expr, base: Base, kind: str, intervals: tuple[Interval, ...] = (), null: bool = False,
    present: bool = False,
) -> tuple[Mention, Predicate] | None:  # fmt: skip
    found = base(column)
    return None if found is None else (found[0], Predicate(found[1], kind, intervals, null, present))


def constant(node: ast.Expr) -> Constant | None:
    """A literal as (kind, value): dates in days and timestamps in microseconds since 1970; None for all else."""
    if isinstance(node, ast.Unary) and node.op == "-":
        inside = constant(node.value)
        if inside is None or not isinstance(inside[1], int | float | Decimal) or inside[0] in ("date", "timestamp"):
            return None
        return inside[0], -inside[1]
    if isinstance(node, ast.Literal):
        return _literal(node.kind, node.text)
    if isinstance(node, ast.TypedLiteral):
        return _typed(node.type.lower(), node.text)
    return None


def _literal(kind: str, text: str) -> Constant | None:
    try:
        if kind == "integer":
            return kind, int(text)
        if kind == "decimal":
            return kind, Decimal(text)
        if kind == "double":
            return kind, float(text)
    except (ValueError, InvalidOperation):
        return None
    if kind == "varchar":
        return kind, text
    if kind == "boolean":
        return kind, int(text.lower() == "true")
    return None


def _typed(kind: str, text: str) -> Constant | None:
    try:
        if kind == "date":
            return kind, (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days
        if kind == "timestamp":
            when = datetime.datetime.fromisoformat(text)
            if when.tzinfo is None and len(text) <= 23:  # milliseconds, as Hive's timestamps have
                return kind, (when - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
    except ValueError:
        pass
    return None
