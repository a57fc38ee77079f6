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


def decode(pages: Pages, kind: pa.DataType, rows: int) -> pa.Array | None:
    """The column that was encoded, texts as a dictionary; None where compiled code is not at hand, or the pages are not
    of the form that `encode` gives them. Raises ValueError for places that are none."""
    if _pages is None or kind not in (pa.float32(), pa.string()):
        return None
    made = _pages.decode(pages.rows, None if kind == pa.string() else pages.values, pages.entries, rows)
    if made is None:
        return None
    buffers = [None if part is None else pa.py_buffer(part) for part in made]
    if kind != pa.string():
        return pa.Array.from_buffers(kind, rows, buffers)
    return pa.DictionaryArray.from_arrays(pa.Array.from_buffers(pa.int32(), rows, buffers), _texts(pages), safe=False)


def _texts(pages: Pages) -> pa.Array:
    found, at = [], 0
    for _ in range(pages.entries):
        end = at + 4 + int.from_bytes(pages.values[at : at + 4], "little")
        found.append(pages.values[at + 4 : end].decode())
        at = end
    return pa.array(found, pa.string())


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
    whole = np.zeros(groups * 8, "<u2")
    whole[: len(values)] = values
    each = np.unpackbits(whole.view(np.uint8).reshape(-1, 2), axis=1, count=bits, bitorder="little")
    return varint(groups << 1 | 1) + np.packbits(each, bitorder="little").tobytes()


def varint(number: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at this place, and the place behind it."""
    number = shift = 0
    while at < len(data):
        number |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            break
    return number, at
