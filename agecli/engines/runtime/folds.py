"""One value of each row from the members of its array: counts, extremes, sums, the member at a place.

Members of all arrays are in columns, one array behind the other; `Lists` says where each ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from agecli.engines.dialect.types import parse_type
from agecli.engines.runtime.arrow import arrow_type
from agecli.engines.runtime.elements import Column, Mask

_SURE = {"integer": (1 << 31) - 1, "bigint": 1 << 62}


class Lists:
    """The arrays of a chunk: NULL where `valid` is not, else the members from one offset to the next."""

    def __init__(self, offsets: NDArray[np.int32], valid: Mask, chosen: Mask | None = None) -> None:
        self.offsets = offsets
        self.valid = valid
        self.chosen = chosen  # of the members that were there, those that are in these arrays
        self.members = int(offsets[-1])
        self.counts = np.diff(offsets)
        self.some = np.flatnonzero(self.counts)
        self.known: dict[tuple[int, ...], Lists] = {}

    def kept(self, conditions: tuple[int, ...], columns: Sequence[Column]) -> Lists:
        """The arrays of those members for which all conditions are true."""
        if not conditions:
            return self
        if conditions not in self.known:
            chosen = np.ones(self.members, np.bool_)
            for column in (columns[place] for place in conditions):
                chosen &= column.values
                if column.null is not None:
                    chosen &= ~column.null
            ends = np.concatenate([[0], np.cumsum(chosen)])
            self.known[conditions] = Lists(ends[self.offsets].astype(np.int32), self.valid, chosen)
        return self.known[conditions]

    def column(self, item: Column, members: int) -> Column:
        """The values of the members that are in these arrays."""
        values, null = item.values, item.null
        if len(values) != members:
            values = np.broadcast_to(values, members)
        if null is not None and len(null) != members:
            null = np.broadcast_to(null, members)
        if self.chosen is None:
            return Column(values, null)
        return Column(values[self.chosen], None if null is None else null[self.chosen])

    def rows_with(self, mask: Mask) -> Mask:
        """The rows of which some member is marked."""
        found = np.zeros(len(self.counts), np.bool_)
        if len(self.some):
            found[self.some] = np.logical_or.reduceat(mask, self.offsets[self.some])
        return found

    def each(self, fold: np.ufunc, values: NDArray[Any], empty: Any) -> NDArray[Any]:
        found = np.full(len(self.counts), empty, values.dtype)
        if len(self.some):
            found[self.some] = fold.reduceat(values, self.offsets[self.some])
        return found


def fold(name: str, kind: str, value: Any, lists: Lists, item: Column | None, odd: Mask) -> pa.Array:
    """The fold `name` over the members; marks in `odd` the rows that it is not sure of."""
    if name == "is null":
        return pa.array(~lists.valid)
    if name == "count":
        return _scalar(lists.counts, ~lists.valid, kind)
    assert item is not None
    total = len(lists.chosen) if lists.chosen is not None else lists.members
    column = lists.column(item, total)
    return _FOLDS[name](kind, value, lists, column, odd)


def _scalar(values: NDArray[Any], null: Mask, kind: str) -> pa.Array:
    arrow = arrow_type(parse_type(kind))
    return pa.array(values.astype(arrow.to_pandas_dtype(), copy=False), arrow, mask=null)


def _extreme(operation: np.ufunc) -> Callable[[str, Any, Lists, Column, Mask], pa.Array]:
    """NULL where a member is, and for no members."""

    def fold_all(kind: str, value: Any, lists: Lists, column: Column, odd: Mask) -> pa.Array:
        null = ~lists.valid | (lists.counts == 0)
        if column.null is not None:
            null |= lists.rows_with(column.null)
        return _scalar(lists.each(operation, column.values, 0), null, kind)

    return fold_all


def _sum(kind: str, value: Any, lists: Lists, column: Column, odd: Mask) -> pa.Array:
    """From a first value on; a sum of which a part could be out of range is left to the engine."""
    null = ~lists.valid
    values = column.values
    if column.null is not None:
        null = null | lists.rows_with(column.null)
        values = np.where(column.null, 0, values)
    sizes = lists.each(np.add, np.abs(values.astype(np.float64)), 0.0) + abs(value)
    odd |= (sizes > _SURE[kind]) & ~null
    return _scalar(lists.each(np.add, values, 0) + value, null, kind)


def _at(kind: str, value: Any, lists: Lists, column: Column, odd: Mask) -> pa.Array:
    """The member at a place, counted from 1, or from the end where it is negative; NULL where there is none."""
    there = lists.valid & (lists.counts >= abs(value))
    place = np.where(there, (lists.offsets[:-1] - 1 if value > 0 else lists.offsets[1:]) + value, 0)
    if not len(column.values):
        return pa.nulls(len(there), arrow_type(parse_type(kind)))
    null = ~there if column.null is None else ~there | column.null[place]
    return _scalar(column.values[place], null, kind)


def _any(kind: str, value: Any, lists: Lists, column: Column, odd: Mask) -> pa.Array:
    """Three-valued OR over the members."""
    return _scalar(*_found(lists, column), kind)


def _none(kind: str, value: Any, lists: Lists, column: Column, odd: Mask) -> pa.Array:
    found, null = _found(lists, column)
    return _scalar(~found, null, kind)


def _found(lists: Lists, column: Column) -> tuple[Mask, Mask]:
    known = column.values if column.null is None else column.values & ~column.null
    found = lists.rows_with(known)
    null = ~lists.valid
    if column.null is not None:
        null = null | (~found & lists.rows_with(column.null))
    return found, null


def _list(kind: str, value: Any, lists: Lists, column: Column, odd: Mask) -> pa.Array:
    """The array itself."""
    arrow = arrow_type(parse_type(kind))
    items = pa.array(column.values.astype(arrow.value_type.to_pandas_dtype()), arrow.value_type, mask=column.null)
    bits = np.packbits(lists.valid, bitorder="little").tobytes()
    parts = [pa.py_buffer(bits), pa.py_buffer(np.ascontiguousarray(lists.offsets))]
    return pa.Array.from_buffers(arrow, len(lists.valid), parts, children=[items])


_FOLDS: dict[str, Callable[[str, Any, Lists, Column, Mask], pa.Array]] = {
    "min": _extreme(np.minimum),
    "max": _extreme(np.maximum),
    "sum": _sum,
    "at": _at,
    "any": _any,
    "none": _none,
    "list": _list,
}
