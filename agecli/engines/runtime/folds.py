"""One value of each row from the members of its array: counts, extremes, sums, the member at a place.

Members of all arrays are in columns, one array behind the other; `Lists` says where each ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from agecli.engines.dialect.types import parse_type
from agecli.engines.runtime.arrow import arrow_type
from agecli.engines.runtime.compiled import scan
from agecli.engines.runtime.elements import Column, Mask

_VALUE, _UNSURE = 1, 2
_NUMBERS = {"count": "n", "min": "m", "max": "M", "sum": "s"}


class Lists:
    """The arrays of a chunk: NULL where `valid` is not, else the members from one offset to the next.

    `chosen`, if given, tells which of the members that stand there are in the arrays.
    """

    def __init__(self, offsets: NDArray[np.int32], valid: Mask, chosen: Mask | None = None) -> None:
        self.offsets = offsets
        self.valid = valid
        self.chosen = chosen
        self.members = int(offsets[-1])
        self.known: dict[tuple[int, ...], Lists] = {}

    def kept(self, conditions: tuple[int, ...], columns: Sequence[Column]) -> Lists:
        """The arrays of those members for which all conditions are true."""
        if not conditions:
            return self
        if conditions not in self.known:
            chosen = self.spread(columns[conditions[0]].values).copy()
            for place, column in enumerate(columns[i] for i in conditions):
                if place:
                    chosen &= column.values
                if column.null is not None:
                    chosen &= ~column.null
            self.known[conditions] = Lists(self.offsets, self.valid, chosen)
        return self.known[conditions]

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """One value for each member, also where there is but one for all."""
        return values if len(values) == self.members else np.broadcast_to(values, self.members)

    def rows_with(self, mask: Mask) -> Mask:
        """The rows of which some member is marked."""
        numbers, states = self.folded("M", Column(self.spread(mask).astype(np.int64)))
        found: Mask = (np.frombuffer(numbers, np.int64) > 0) & (np.frombuffer(states, np.uint8) == _VALUE)
        return found

    def folded(self, kind: str, item: Column | None, start: int = 0, narrow: bool = False) -> tuple[bytes, bytes]:
        """The numbers and states of all rows, as the compiled `fold` gives them."""
        values = np.ascontiguousarray(self.spread(item.values)) if item is not None else None
        null = None if item is None or item.null is None else np.ascontiguousarray(self.spread(item.null))
        found: tuple[bytes, bytes] = scan.fold(kind, self.offsets, values, null, self.chosen, start, narrow)
        return found


def fold(name: str, kind: str, value: Any, lists: Lists, item: Column | None, odd: Mask) -> pa.Array:
    """The fold `name` over the members; marks in `odd` the rows that it is not sure of."""
    if name == "is null":
        return pa.array(~lists.valid)
    if name in _NUMBERS:
        start = value if name == "sum" else 0
        numbers, states = lists.folded(_NUMBERS[name], item if name != "count" else None, start, kind == "integer")
        state = np.frombuffer(states, np.uint8)
        odd |= (state == _UNSURE) & lists.valid
        return _scalar(np.frombuffer(numbers, np.int64), (state != _VALUE) | ~lists.valid, kind)
    assert item is not None
    column = Column(lists.spread(item.values), None if item.null is None else lists.spread(item.null))
    if name in ("any", "none"):
        found, null = _found(lists, column)
        return _scalar(found if name == "any" else ~found, null, kind)
    return _at(kind, value, *_gathered(lists, column), lists.valid) if name == "at" else _list(kind, lists, column)


def _scalar(values: NDArray[Any], null: Mask, kind: str) -> pa.Array:
    arrow = arrow_type(parse_type(kind))
    return pa.array(values.astype(arrow.to_pandas_dtype(), copy=False), arrow, mask=null)


def _found(lists: Lists, column: Column) -> tuple[Mask, Mask]:
    """Three-valued OR over the members."""
    known = column.values if column.null is None else column.values & ~column.null
    found = lists.rows_with(known)
    null = ~lists.valid
    if column.null is not None:
        null = null | (~found & lists.rows_with(column.null))
    return found, null


def _gathered(lists: Lists, column: Column) -> tuple[NDArray[np.int32], Column]:
    """Where the arrays end, and the members that are in them."""
    if lists.chosen is None:
        return lists.offsets, column
    ends = np.concatenate([[0], np.cumsum(lists.chosen)]).astype(np.int32)
    null = None if column.null is None else column.null[lists.chosen]
    return ends[lists.offsets], Column(column.values[lists.chosen], null)


def _at(kind: str, value: Any, offsets: NDArray[np.int32], column: Column, valid: Mask) -> pa.Array:
    """The member at a place, counted from 1, or from the end where it is negative; NULL where there is none."""
    there = valid & (np.diff(offsets) >= abs(value))
    if not len(column.values):
        return pa.nulls(len(there), arrow_type(parse_type(kind)))
    place = np.where(there, (offsets[:-1] - 1 if value > 0 else offsets[1:]) + value, 0)
    return _scalar(column.values[place], ~there if column.null is None else ~there | column.null[place], kind)


def _list(kind: str, lists: Lists, column: Column) -> pa.Array:
    """The array itself."""
    offsets, items = _gathered(lists, column)
    arrow = arrow_type(parse_type(kind))
    values = items.values.astype(arrow.value_type.to_pandas_dtype())
    bits = np.packbits(lists.valid, bitorder="little").tobytes()
    parts = [pa.py_buffer(bits), pa.py_buffer(np.ascontiguousarray(offsets))]
    return pa.Array.from_buffers(
        arrow, len(lists.valid), parts, children=[pa.array(values, arrow.value_type, mask=items.null)]
    )
