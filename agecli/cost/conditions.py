"""Conditions of WHERE and ON as intervals of one column, where they surely reach the reader as such.

Only comparisons of a bare column with a literal are taken, and AND, OR, NOT, BETWEEN, IN and LIKE of them. Anything
else stays out, which at worst leaves row groups counted that the reader skips.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from agecli.cost.usage import Interval, Mention, Path, Predicate
from agecli.engines.dialect import ast

Base = Callable[[ast.Expr], tuple[Mention, Path] | None]
Constant = tuple[str, object]
Found = tuple[Mention, Predicate] | None
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_MOST_VALUES = 100  # of an IN list; longer ones count as the range between the least and the greatest


def pushed(node: ast.Expr, base: Base, negated: bool = False) -> Iterator[tuple[Mention, Predicate]]:
    """The conditions that all rows must meet, each with the mention that it is about."""
    parts = _both(node, negated)
    if parts is not None:
        for part, turned in parts:
            yield from pushed(part, base, turned)
        return
    found = _single(node, base, negated)
    if found is not None:
        yield found


def count(node: ast.Expr, negated: bool = False) -> int:
    """How many conditions AND joins; NOT (a OR b) are two."""
    parts = _both(node, negated)
    return 1 if parts is None else sum(count(part, turned) for part, turned in parts)


def _both(node: ast.Expr, negated: bool) -> list[tuple[ast.Expr, bool]] | None:
    """The conditions, each turned around or not, that must both hold where this one does."""
    if isinstance(node, ast.Unary) and node.op == "not":
        return [(node.value, not negated)]
    if isinstance(node, ast.Binary) and node.op == ("or" if negated else "and"):
        return [(node.left, negated), (node.right, negated)]
    return None


def _single(node: ast.Expr, base: Base, negated: bool) -> Found:
    if isinstance(node, ast.Unary) and node.op == "not":
        return _single(node.value, base, not negated)
    if isinstance(node, ast.Binary) and node.op == ("and" if negated else "or"):
        return _either(_single(node.left, base, negated), _single(node.right, base, negated))
    if isinstance(node, ast.IsNull):
        return _of(node.value, base, Predicate((), "", null=not negated, present=negated))
    found: Found = None
    if isinstance(node, ast.Binary):
        found = _comparison(node, base)
    elif isinstance(node, ast.Between):
        low, high = constant(node.low), constant(node.high)
        if low is not None and high is not None and (kind := _kind_of({low[0], high[0]})):
            found = _of(node.value, base, Predicate((), kind, (Interval(low[1], False, high[1], False),)))
    elif isinstance(node, ast.InList):
        found = _values(node, base)
    elif isinstance(node, ast.Like) and not negated:
        return _beginning(node, base)
    elif isinstance(node, ast.Name | ast.Field):
        found = _of(node, base, Predicate((), "boolean", (Interval(1, False, 1, False),)))
    return _turned(found) if negated else found


def _comparison(node: ast.Binary, base: Base) -> Found:
    if node.op not in (*_SWAPPED, "distinct"):
        return None
    column, value, op = node.left, constant(node.right), node.op
    if value is None:
        column, value, op = node.right, constant(node.left), _SWAPPED.get(op, op)
    if value is None:
        return None
    kind, bound = value
    equal = Interval(bound, False, bound, False)
    interval = {
        "<": Interval(None, False, bound, True),
        "<=": Interval(None, False, bound, False),
        ">": Interval(bound, True),
        ">=": Interval(bound, False),
    }.get(op, equal)
    found = _of(column, base, Predicate((), kind, (interval,)))
    if found is None or op not in ("<>", "distinct"):
        return found
    mention, other = found[0], replace(found[1], intervals=_between((equal,)), negated=True)
    return mention, replace(other, null=op == "distinct")


def _values(node: ast.InList, base: Base) -> Found:
    values = [constant(item) for item in node.items]
    known = [value for value in values if value is not None]
    kind = _kind_of({kind for kind, _ in known})
    if len(known) != len(values) or not kind:
        return None
    bounds = sorted({bound for _, bound in known})  # type: ignore[type-var]
    intervals = tuple(Interval(bound, False, bound, False) for bound in bounds)
    if len(intervals) > _MOST_VALUES:
        intervals = (Interval(bounds[0], False, bounds[-1], False),)
    return _of(node.value, base, Predicate((), kind, intervals, partial=len(intervals) < len(bounds)))


def _beginning(node: ast.Like, base: Base) -> Found:
    """LIKE 'abc%' is a range of texts; whatever comes after the first wildcard only narrows it."""
    pattern = constant(node.pattern)
    if pattern is None or pattern[0] != "varchar" or node.escape is not None:
        return None
    text = str(pattern[1])
    start = re.split("[%_]", text)[0]
    if not start or not start.isascii() or start[-1] > "}":
        return None
    beyond = start[:-1] + chr(ord(start[-1]) + 1)
    interval = Interval(start, False, start, False) if start == text else Interval(start, False, beyond, True)
    return _of(node.value, base, Predicate((), "varchar", (interval,), partial=text not in (start, start + "%")))


def _turned(found: Found) -> Found:
    """NOT of a condition on one column: what lies between its intervals. NULL meets neither but IS DISTINCT FROM."""
    if found is None or found[1].partial or found[1].present:
        return None
    mention, predicate = found
    other = replace(predicate, intervals=_between(predicate.intervals), null=False, negated=True)
    return (mention, other) if not predicate.null or predicate.negated else None


def _between(intervals: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """All values that are in none of these intervals, which do not overlap and rise."""
    made, low, low_open = [], None, False
    for interval in intervals:
        if interval.low is not None:
            made.append(Interval(low, low_open, interval.low, not interval.low_open))
        if interval.high is None:
            return tuple(made)
        low, low_open = interval.high, not interval.high_open
    return (*made, Interval(low, low_open))


def _either(one: Found, two: Found) -> Found:
    """OR of two conditions on one column is the union of their intervals; IS NULL may be one of them."""
    if one is None or two is None or one[0] is not two[0]:
        return None
    a, b = one[1], two[1]
    kind = _kind_of({p.kind for p in (a, b) if p.intervals}) or ("" if a.null and b.null else None)
    if a.path != b.path or kind is None or a.present or b.present:
        return None
    return one[0], Predicate(a.path, kind, (*a.intervals, *b.intervals), a.null or b.null,
                             negated=a.negated or b.negated, partial=a.partial or b.partial)  # fmt: skip


def _kind_of(kinds: set[str]) -> str | None:
    """The kind that all these constants are compared as; None where they are not."""
    if len(kinds) == 1:
        return next(iter(kinds))
    return "decimal" if kinds == {"integer", "decimal"} else None


def _of(column: ast.Expr, base: Base, predicate: Predicate) -> Found:
    found = base(column)
    return None if found is None else (found[0], replace(predicate, path=found[1]))


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
