"""Expressions over the members of arrays, computed with NumPy for all rows of a chunk at once.

`dialect.programs` makes them from the SQL's syntax tree. Values are columns over the members of all arrays, one after
the other: numbers or truths, and a mask of NULLs (None: there are none). What takes more than a glance, such as a
sum beyond the type's range or a division by zero, is not decided here: its members are marked odd, and the rows
that they are in are computed by the engine's own SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RANGES = {"integer": 1 << 31, "bigint": 1 << 63}
DTYPES: dict[str, Any] = {"integer": np.int64, "bigint": np.int64, "double": np.float64, "boolean": np.bool_}
KINDS = frozenset(DTYPES)

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Expr:
    """One value of each member: `op` over `args`, of a Trino type in `KINDS` (or `varchar`, for fields only).

    Leaves: `constant` (`value` is DuckDB's SQL), `field` (`value` is its place), `function` of a field's text (`value`
    is DuckDB's SQL over `x`).
    """

    op: str
    kind: str
    args: tuple[Expr, ...] = ()
    value: Any = None


@dataclass(frozen=True)
class Column:
    values: NDArray[Any]
    null: Mask | None = None


@dataclass
class Odd:
    """Which members are to be left to the engine's SQL."""

    mask: Mask | None = None

    def add(self, mask: Mask, null: Mask | None) -> None:
        if null is not None:
            mask = mask & ~null
        if mask.any():
            self.mask = mask if self.mask is None else self.mask | mask


def either_null(*columns: Column) -> Mask | None:
    found: Mask | None = None
    for column in columns:
        if column.null is not None:
            found = column.null if found is None else found | column.null
    return found


def compute(expr: Expr, args: Sequence[Column], odd: Odd) -> Column:
    """The value of an operation whose arguments are computed already."""
    if expr.op in _STRICT:
        null = either_null(*args)
        return Column(_STRICT[expr.op](*(a.values for a in args)), null)
    if expr.op in _CHECKED:
        return _CHECKED[expr.op](expr, args, odd)
    return _LAZY[expr.op](args)


def _sum(operation: Callable[[Any, Any], Any], sign: int) -> Callable[[Expr, Sequence[Column], Odd], Column]:
    def add(expr: Expr, args: Sequence[Column], odd: Odd) -> Column:
        a, b = args[0].values, args[1].values
        null = either_null(*args)
        made = operation(a, b)
        if expr.kind == "integer":
            odd.add(out_of_range(made), null)
        elif expr.kind == "bigint":
            odd.add(((a ^ made) & ((b if sign > 0 else ~b) ^ made)) < 0, null)
        return Column(made, null)

    return add


def _product(expr: Expr, args: Sequence[Column], odd: Odd) -> Column:
    a, b = args[0].values, args[1].values
    null = either_null(*args)
    made = a * b
    if expr.kind == "integer":
        odd.add(out_of_range(made), null)
    elif expr.kind == "bigint":
        odd.add(out_of_range(a) | out_of_range(b), null)
    return Column(made, null)


def _quotient(expr: Expr, args: Sequence[Column], odd: Odd) -> Column:
    """Division of whole numbers goes towards zero, and the remainder has the sign of the dividend."""
    a, b = args[0].values, args[1].values
    null = either_null(*args)
    if expr.kind == "double":
        return Column(a / b, null)
    strange = (b == 0) | (b == -1)  # the lowest number divided by -1 is out of range
    odd.add(np.broadcast_to(strange, np.broadcast_shapes(a.shape, b.shape)), null)
    safe = np.where(strange, 1, b)
    rest = np.fmod(a, safe)
    return Column(rest if expr.op == "%" else (a - rest) // safe, null)


def _negated(expr: Expr, args: Sequence[Column], odd: Odd) -> Column:
    made = -args[0].values
    if expr.kind != "double":
        odd.add(made == (RANGES["integer"] if expr.kind == "integer" else -RANGES["bigint"]), args[0].null)
    return Column(made, args[0].null)


def out_of_range(values: NDArray[Any]) -> Mask:
    """Which numbers are no 32-bit integers."""
    limit = RANGES["integer"]
    found: Mask = (values >= limit) | (values < -limit)
    return found


def _and(args: Sequence[Column]) -> Column:
    return _logical(args, lambda a, b: a & b, lambda value: ~value)


def _or(args: Sequence[Column]) -> Column:
    return _logical(args, lambda a, b: a | b, lambda value: value)


def _logical(args: Sequence[Column], combine: Callable[[Any, Any], Any], decides: Callable[[Any], Any]) -> Column:
    """Three-valued: NULL unless one side that is known decides."""
    a, b = args
    null = either_null(a, b)
    made = combine(a.values, b.values)
    if null is None:
        return Column(made)
    decided = False
    for side in args:
        known = decides(side.values) if side.null is None else decides(side.values) & ~side.null
        decided = known | decided
    truth = decides(np.True_)  # what the side that decides is: true for OR, false for AND
    return Column(np.where(decided, truth, made), null & np.logical_not(decided))


def _is_null(args: Sequence[Column]) -> Column:
    null = args[0].null
    return Column(np.zeros(args[0].values.shape, np.bool_) if null is None else null)


def _coalesce(args: Sequence[Column]) -> Column:
    found = args[0]
    for other in args[1:]:
        if found.null is None:
            return found
        values = np.where(found.null, other.values, found.values)
        found = Column(values, None if other.null is None else found.null & other.null)
    return found


def _case(args: Sequence[Column]) -> Column:
    """Conditions and results in turns, and what is left at the end."""
    *pairs, found = args
    values: NDArray[Any] = found.values
    null: Any = found.null
    for condition, result in zip(reversed(pairs[::2]), reversed(pairs[1::2]), strict=True):
        chosen = condition.values if condition.null is None else condition.values & ~condition.null
        values = np.where(chosen, result.values, values)
        if null is not None or result.null is not None:
            null = np.where(chosen, _mask(result), np.False_ if null is None else null)
    return Column(values, null)


def _mask(column: Column) -> Any:
    return np.False_ if column.null is None else column.null


_STRICT: dict[str, Callable[..., NDArray[Any]]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "not": lambda a: ~a,
    "least": lambda *a: a[0] if len(a) == 1 else np.minimum.reduce(np.broadcast_arrays(*a)),
    "greatest": lambda *a: a[0] if len(a) == 1 else np.maximum.reduce(np.broadcast_arrays(*a)),
    "to double": lambda a: a.astype(np.float64),
    "same": lambda a: a,
}
_CHECKED: dict[str, Callable[[Expr, Sequence[Column], Odd], Column]] = {
    "+": _sum(np.add, 1),
    "-": _sum(np.subtract, -1),
    "*": _product,
    "/": _quotient,
    "%": _quotient,
    "negate": _negated,
}
_LAZY: dict[str, Callable[[Sequence[Column]], Column]] = {
    "and": _and,
    "or": _or,
    "is null": _is_null,
    "coalesce": _coalesce,
    "case": _case,
}
