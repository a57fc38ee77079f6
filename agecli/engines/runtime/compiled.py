"""The compiled extensions, whether they are there and wanted, and how Arrow columns get in and out of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

try:
    from agecli.engines.runtime import _members, _rows, _scan
except ImportError:  # no compiler where it was installed
    _scan = _members = _rows = None  # type: ignore[assignment]

scan: Any = _scan
members: Any = _members
row_values: Any = _rows

Column = Callable[[pa.Array], pa.Array]

_EMPTY = pa.array([], pa.string())


def enabled() -> bool:
    """Are the extensions there, and wanted? AGECLI_FAST=off says no."""
    return scan is not None and os.environ.get("AGECLI_FAST", "").lower() not in ("off", "0", "no")


def one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column as one array of strings with 32-bit offsets."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def buffers(text: pa.Array) -> tuple[Any, Any, Any, int, int]:
    valid, offsets, data = text.buffers()
    if offsets is None:
        return _EMPTY.buffers()[1], b"", None, 0, 0
    return offsets, data if data is not None else b"", valid, text.offset, len(text)


def array(kind: pa.DataType, rows: int, valid: bytes | None, values: bytes) -> pa.Array:
    """A column of what compiled code made. Without `valid` no row is NULL, and who reads it is told so."""
    if valid is None:
        return pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(values)], null_count=0)
    return pa.Array.from_buffers(kind, rows, [pa.py_buffer(valid), pa.py_buffer(values)])


def structs(kind: pa.StructType, columns: Sequence[pa.Array], rows: int) -> pa.Array:
    """Columns as one of structs, none of them NULL; quicker than `StructArray.from_arrays`."""
    return pa.Array.from_buffers(kind, rows, [None], null_count=0, children=list(columns))


def with_odd(found: pa.Array, text: pa.Array, odd: bytes, ask: Column) -> pa.Array:
    """The column with what the exact function says of the rows that the scanner gave back."""
    if not odd:
        return found
    rows = np.frombuffer(odd, np.int32)
    return replaced(found, rows, ask(text.take(pa.array(rows))))


def replaced(found: pa.Array, rows: NDArray[Any], others: pa.Array) -> pa.Array:
    """The column with other values in these rows."""
    return pa.concat_arrays([found, others]).take(places(len(found), rows))


def places(count: int, rows: NDArray[Any]) -> pa.Array:
    """Which to take of so many values and others behind them, where the others stand for these rows."""
    place = np.arange(count)
    place[rows] = count + np.arange(len(rows))
    return pa.array(place)
