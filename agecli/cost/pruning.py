"""Which row groups and partitions a query's conditions certainly leave out. Where there is doubt, they are read.

A row group goes only if Athena's reader drops it too: the statistics are there, of a type whose order is the same
everywhere, and no value between them meets the condition. NULLs meet no comparison; NaN makes statistics worthless.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from agecli.cost.conditions import constant
from agecli.cost.footers import Chunk, RowGroup
from agecli.cost.usage import Interval, Predicate
from agecli.engines.dialect import ast
from agecli.engines.dialect.types import Type

_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_INTEGERS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}


def survives(group: RowGroup, predicates: Iterable[Predicate], types: Mapping[str, Type]) -> bool:
    """Whether a row group may hold rows that meet all conditions. `types` are those the table declares, lower case."""
    chunks = {chunk.leaf.lower(): chunk for chunk in group.chunks}
    if group.rows == 0:
        return True
    return all(
        _may_hold(group.rows, chunks.get(".".join(p.path)), _for_column(p, types.get(p.path[0]))) for p in predicates
    )


def partition_survives(values: Mapping[str, str], predicates: Iterable[Predicate], types: Mapping[str, Type]) -> bool:
    """Whether a file with these partition values may hold rows that meet all conditions."""
    by_name = {name.lower(): value for name, value in values.items()}
    for predicate in predicates:
        text = by_name.get(predicate.path[0]) if len(predicate.path) == 1 else None
        fitted = _for_column(predicate, types.get(predicate.path[0]))
        if text is None or fitted is None:
            continue
        if text == _NULL_PARTITION:
            if not fitted.null:
                return False
            continue
        value = _partition_value(text, fitted.kind)
        unknown = value is None and fitted.intervals
        if not (unknown or fitted.present or _overlaps(fitted.intervals, value, value)):
            return False
    return True


def decided(values: Mapping[str, str], predicates: Iterable[Predicate], types: Mapping[str, Type]) -> int:
    """How many of the conditions are about these partition values alone, and so are settled by them."""
    names = {name.lower() for name in values}
    fitted = [_for_column(p, types.get(p.path[0])) for p in predicates if p.path[0] in names and len(p.path) == 1]
    return sum(1 for p in fitted if p is not None and not p.partial)


def _may_hold(rows: int, chunk: Chunk | None, predicate: Predicate | None) -> bool:
    if chunk is None or predicate is None or not chunk.kind:
        return True
    if predicate.null:  # of booleans with both values Trino says that anything may be there
        if chunk.nulls != 0 or (chunk.kind == "boolean" and chunk.low != chunk.high):
            return True
        if not predicate.intervals:
            return False
    if chunk.nulls == rows:
        return False
    if predicate.present or chunk.low is None or chunk.high is None or chunk.kind != predicate.kind:
        return True
    return _overlaps(predicate.intervals, chunk.low, chunk.high)


def _overlaps(intervals: Iterable[Interval], low: object, high: object) -> bool:
    return any(_touches(interval, low, high) for interval in intervals)


def _touches(interval: Interval, low: object, high: object) -> bool:
    if interval.low is not None and (high < interval.low or (interval.low_open and high == interval.low)):  # type: ignore[operator]
        return False
    above = interval.high is not None and (low > interval.high or (interval.high_open and low == interval.high))  # type: ignore[operator]
    return not above


def _for_column(predicate: Predicate, kind: Type | None) -> Predicate | None:
    """The condition with its bounds as values of the column's type; None where Trino may compare otherwise."""
    if not predicate.intervals:
        return predicate
    if kind is None or (predicate.negated and kind.name in ("double", "real")):
        return None
    bounds = [b for i in predicate.intervals for b in (i.low, i.high) if b is not None]
    if kind.name in _INTEGERS and predicate.kind == "integer":
        most = 1 << (_INTEGERS[kind.name] - 1)
        return predicate if all(-most <= b < most for b in bounds) else None  # type: ignore[operator]
    if kind.name == "double" and predicate.kind in ("integer", "decimal", "double"):
        return _converted(predicate, "double", float)
    if kind.name == "real" and predicate.kind == "integer" and all(abs(b) <= 1 << 24 for b in bounds):  # type: ignore[arg-type]
        return _converted(predicate, "double", float)
    if kind.name == "decimal" and predicate.kind in ("integer", "decimal"):
        return _scaled(predicate, kind)
    if kind.name == "varchar" and not kind.params and predicate.kind == "varchar":
        return predicate
    if kind.name in ("date", "timestamp", "boolean") and predicate.kind == kind.name:
        return predicate
    return None


def _scaled(predicate: Predicate, kind: Type) -> Predicate | None:
    """Bounds of a decimal column as whole numbers of its last digit; None where a bound has more digits."""
    scale = Decimal(10) ** kind.params[1]
    bounds = [Decimal(b) * scale for i in predicate.intervals for b in (i.low, i.high) if b is not None]  # type: ignore[arg-type]
    if any(b != b.to_integral_value() or abs(b) >= Decimal(10) ** kind.params[0] for b in bounds):
        return None
    return _converted(predicate, "decimal", lambda b: int(Decimal(b) * scale))


def _converted(predicate: Predicate, kind: str, convert: object) -> Predicate:
    assert callable(convert)

    def one(bound: object | None) -> object | None:
        return None if bound is None else convert(bound)

    intervals = tuple(replace(i, low=one(i.low), high=one(i.high)) for i in predicate.intervals)
    return replace(predicate, kind=kind, intervals=intervals)


def _partition_value(text: str, kind: str) -> object | None:
    """A partition's value as a bound of this kind; None where the text is no such value."""
    if kind == "varchar":
        return text
    if kind == "integer":
        digits = text.removeprefix("-")
        return int(text) if digits.isascii() and digits.isdigit() else None
    found = constant(ast.TypedLiteral(kind, text)) if kind == "date" else None
    return None if found is None else found[1]
