"""A column of few values as Parquet has it: its values once (a dictionary), and for each row a place among them.

Compiled code does it (`_pages.c`); where that is not at hand, Arrow and NumPy give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

try:
    from agecli.engines import _pages
except ImportError:  # no compiler where it was installed
    _pages = None  # type: ignore[assignment]

KINDS = (pa.float32(), pa.float64(), pa.string())
_MOST = 32_768
_BITS = {pa.float32(): pa.int32(), pa.float64(): pa.int64()}


@dataclass(frozen=True)
class Pages:
    """Two pages, not yet compressed: `values` is the dictionary, of so many `entries`; `rows` is the data page."""

    values: bytes
    entries: int
    rows: bytes


def encode(column: pa.Array) -> Pages | None:
    """Both pages of a column of one of the KINDS; None where they would be hardly smaller than the plain values.

    Values are told apart by their bits, and stand in the order in which they are met.
    """
    valid, *offsets, data = column.buffers()
    if data is None or column.null_count == len(column):
        return None
    if _pages is None:
        return _encode(column)
    width = 4 if offsets else column.type.bit_width // 8
    made = _pages.encode(valid, data, offsets[0] if offsets else None, column.offset, len(column), width)
    return None if made is None else Pages(*made)


def _encode(column: pa.Array) -> Pages | None:
    """The same without compiled code."""
    found = column.view(_BITS.get(column.type, column.type)).dictionary_encode()
    entries, there = len(found.dictionary), np.asarray(column.is_valid().to_numpy(zero_copy_only=False))
    places = found.indices.drop_null().to_numpy()
    values = _plain(found.dictionary)
    bits = max(1, (entries - 1).bit_length())
    if entries > _MOST or (len(values) * 8 + len(places) * bits) * 10 > _plain_size(column) * 72:
        return None
    levels = _run(len(there), 1, 1) if there.all() else _packed(there, 1)
    run = _run(len(places), 0, 1) if entries == 1 else _packed(places, bits)
    return Pages(values, entries, len(levels).to_bytes(4, "little") + levels + bytes([bits]) + run)


def _plain_size(column: pa.Array) -> int:
    count = int(len(column) - column.null_count)
    if column.type != pa.string():
        return count * int(column.type.bit_width) // 8
    offsets = np.frombuffer(column.buffers()[1], np.int32)
    begin, end = (int(offsets[column.offset + rows]) for rows in (0, len(column)))
    return count * 4 + end - begin


def _plain(values: pa.Array) -> bytes:
    if values.type != pa.string():
        return bytes(values.to_numpy().tobytes())
    texts = [text.encode() for text in values.to_pylist()]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def _run(count: int, value: int, width: int) -> bytes:
    """One value many times, as Parquet's hybrid of runs and packed bits has it."""
    return varint(count << 1) + value.to_bytes(width, "little")


def _packed(values: npt.NDArray[np.int32], bits: int) -> bytes:
    """Values of so many bits each, eight by eight."""
    groups = -(-len(values) // 8)
    whole = np.zeros(groups * 8, np.int32)
    whole[: len(values)] = values
    each = (whole[:, None] >> np.arange(bits)) & 1
    return varint(groups << 1 | 1) + np.packbits(each.astype(np.uint8), bitorder="little").tobytes()


def varint(number: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)
