"""Columns of texts out of Parquet files, since Arrow copies long texts about three times, and once more looks at them.

A chunk is read page by page. Its texts go from the page into the buffers of an Arrow array, which are taken again once
nothing holds them. What is not known here (`columns_of`, `knows`), or turns out to be odd in any way (`Strange`), is
left to Arrow. Pages are those of the Parquet format 2; compiled code reads them (`_texts.c`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

try:
    from agecli.engines import _texts
except ImportError:  # no compiler where it was installed
    _texts = None  # type: ignore[assignment]

_CODECS = {
    "UNCOMPRESSED": None,
    "SNAPPY": "snappy",
    "GZIP": "gzip",
    "ZSTD": "zstd",
    "LZ4": "lz4_raw",
    "BROTLI": "brotli",
}
_STREAMED = ("zstd", "brotli")  # those of which not every page tells its size
_ENCODINGS = {"PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE", "BIT_PACKED"}
_PLAIN, _PLAIN_DICTIONARY, _RLE, _RLE_DICTIONARY = 0, 2, 3, 8
_DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_V2 = 0, 2, 3
_LARGE = 1 << 31  # bytes that an array of texts cannot have
_MOST_HEADER = 1 << 20
_PASSED = 4_096  # rows at a time, of a page that is passed over in part
_SPARE = 16  # bytes behind the texts, which compiled code may write

Block = npt.NDArray[np.uint8]

_NOTHING = (b"", None, None)


class Strange(Exception):
    """A chunk is not as it is known here. Whether it can be read is for Arrow to say."""


@contextmanager
def _known() -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError, pa.ArrowException) as error:
        raise Strange(str(error)) from error


class Blocks:
    """Memory for the texts of a column, batch after batch: no fresh pages of the system for each."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._most = 0

    def free(self, size: int) -> Block:
        """A block that nothing else holds, of this size, or the one that was needed before."""
        size = (self._most or size) + _SPARE
        for i in range(len(self._blocks)):
            if sys.getrefcount(self._blocks[i]) == 2 and size <= len(self._blocks[i]) <= 2 * size:
                return self._blocks[i]
        return self._added(np.empty(size + size // 16, np.uint8))

    def larger(self, block: Block, used: int, size: int) -> Block:
        """A block of at least this size, with what is used of another one."""
        grown = np.empty(min(size + size // 8, _LARGE - 1), np.uint8)
        grown[:used] = block[:used]
        self._blocks = [other for other in self._blocks if other is not block]
        return self._added(grown)

    def filled(self, used: int) -> None:
        self._most = max(self._most, used)

    def _added(self, block: Block) -> Block:
        self._blocks = [*self._blocks[-1:], block]  # two: one may be in use while the next is filled
        return block


def columns_of(file: pq.ParquetFile, names: Iterable[str]) -> dict[str, int]:
    """Those of the columns that are flat and that Arrow reads as texts, with their numbers in the footer; none where
    there is no compiled code."""
    leaves = [file.schema.column(i) for i in range(len(file.schema))] if _texts is not None else []
    found: dict[str, int] = {}
    for name in names:
        there = [i for i, leaf in enumerate(leaves) if leaf.path == name]
        place = file.schema_arrow.get_field_index(name)  # -1 for none and for two
        if len(there) != 1 or place < 0 or file.schema_arrow.field(place).type != pa.string():
            continue
        leaf = leaves[there[0]]
        if leaf.physical_type == "BYTE_ARRAY" and not leaf.max_repetition_level and leaf.max_definition_level <= 1:
            found[name] = there[0]
    return found


def knows(told: pq.ColumnChunkMetaData, rows: int) -> bool:
    """Whether, by the footer, a chunk of texts is of the kinds that are read here."""
    return (
        told.compression in _CODECS
        and set(told.encodings) <= _ENCODINGS
        and told.num_values == rows
        and 0 < told.total_uncompressed_size < _LARGE
        and told.total_compressed_size > 0
    )


class _Bytes:
    """The bytes of a chunk, so many at a time; they are from `begin` to `end` of the file."""

    def __init__(self, file: FileIO, begin: int, size: int, at_once: int) -> None:
        self._file, self._at, self._end = file, begin, begin + size
        self._held = bytearray(min(at_once, size))
        self._low = self._high = 0  # what of it has been read, and not yet taken

    def look(self, size: int) -> memoryview:
        """The next bytes, fewer only where the chunk ends. The view is good until the next call."""
        size = min(size, self._high - self._low + self._end - self._at)
        if self._high - self._low < size:
            self._read(size)
        return memoryview(self._held)[self._low : self._low + size]

    def take(self, size: int) -> memoryview:
        """The next bytes, which are then behind us."""
        view = self.look(size)
        if len(view) < size:
            raise ValueError("a page goes on behind its chunk")
        self._low += size
        return view

    def _read(self, size: int) -> None:
        left = memoryview(self._held)[self._low : self._high]
        held = self._held if size <= len(self._held) else bytearray(size)
        memoryview(held)[: len(left)] = left
        self._held, self._low, self._high = held, 0, len(left)
        self._file.seek(self._at)
        while self._high < size:
            count = self._file.readinto(memoryview(held)[self._high : self._high + self._end - self._at])
            if not count:
                raise OSError("the file ends within a chunk")
            self._high += count
            self._at += count


class _Header(NamedTuple):
    """The header of a page, by the names of the format; -1 for what it does not tell."""

    kind: int
    whole: int
    packed: int
    values: int
    encoding: int
    level_encoding: int
    nulls: int
    rows: int
    level_bytes: int
    repetition_bytes: int
    compressed: int


@dataclass
class _Page:
    """A data page, of which `left` rows from `row` on have not been taken; the next value is at `at`.

    `values` are what `_texts.append` takes: a page of texts, or places and the words among which they are.
    """

    left: int
    bits: bytes | None
    values: tuple[Any, bytes | None, bytes | None]
    at: int
    sure: bool
    row: int = 0


class TextChunk:
    """A row group's column of texts, so many rows after the others. What it raises is Strange."""

    def __init__(
        self, file: FileIO, told: pq.ColumnChunkMetaData, nullable: bool, blocks: Blocks, at_once: int
    ) -> None:
        begin = min(told.data_page_offset, told.dictionary_page_offset or told.data_page_offset)
        self._bytes = _Bytes(file, begin, told.total_compressed_size, at_once)
        self._nullable, self._blocks = nullable, blocks
        self._left, self._size = told.num_values, told.total_uncompressed_size
        self._each = self._size / max(self._left, 1)
        self._packing, codec = told.compression, _CODECS[told.compression]
        self._codec = None if codec is None else pa.Codec(codec)
        self._words: tuple[bytes, bytes, int] | None = None
        self._page = _Page(0, None, _NOTHING, 0, True)

    def skip(self, rows: int) -> None:
        """Passes over rows. Pages of which none is wanted are not decompressed."""
        while rows:
            if self._page.left:
                count = min(rows, self._page.left, _PASSED)
                self.take(count)
                rows -= count
            else:
                with _known():
                    rows -= self._turn(rows)

    def take(self, rows: int) -> tuple[pa.Array, bool]:
        """The next rows, and whether it is certain that they are UTF-8."""
        offsets = np.empty(rows + 1, np.int32)
        valid = bytearray(-(-rows // 8)) if self._nullable else None
        block = self._blocks.free(int(self._each * rows))
        at = used = values = 0
        sure = True
        with _known():
            while at < rows:
                page = self._page
                if not page.left:
                    self._turn(0)
                    continue
                part = min(rows - at, page.left)
                told = _texts.append(
                    page.values, page.at, page.bits, page.row, part, offsets, valid, block, at, used
                )  # fmt: skip
                if isinstance(told, int):
                    block = self._blocks.larger(block, used, told)
                    continue
                page.at, used, count, sound = told
                page.row, page.left = page.row + part, page.left - part
                if not page.left:
                    page.values = _NOTHING  # its memory is for the next page
                at, values, sure = at + part, values + count, sure and page.sure and bool(sound)
        self._blocks.filled(used)
        there = None if valid is None or values == rows else pa.py_buffer(valid)
        buffers = [there, pa.py_buffer(offsets), pa.py_buffer(block).slice(0, used)]
        return pa.Array.from_buffers(pa.string(), rows, buffers, null_count=rows - values), sure

    def _turn(self, passed: int) -> int:
        """Goes on to the next page. If that has no more than so many rows, it is passed over, and they are returned."""
        head = self._header()
        if head.kind == _DICTIONARY_PAGE:
            if self._words is not None or head.encoding not in (_PLAIN, _PLAIN_DICTIONARY):
                raise ValueError("a dictionary that is not known")
            self._words = _texts.dictionary(self._unpacked(self._bytes.take(head.packed), head.whole), head.values)
            return 0
        if head.kind not in (_DATA_PAGE, _DATA_PAGE_V2) or not 0 <= head.values <= self._left:
            raise ValueError("a page that is not known")
        self._left -= head.values
        packed = self._bytes.take(head.packed)
        if head.values <= passed:
            return head.values
        self._page = self._data(head, packed) if head.kind == _DATA_PAGE else self._data_v2(head, packed)
        return 0

    def _header(self) -> _Header:
        size = 1 << 12
        while True:
            piece = self._bytes.look(size)
            found = _texts.header(piece)
            if found is not None:
                self._bytes.take(found[0])
                head = _Header(*found[1])
                if min(head.kind, head.whole, head.packed) < 0:
                    raise ValueError("a header without sizes")
                return head
            if len(piece) < size or size > _MOST_HEADER:
                raise ValueError("a header without an end")
            size *= 8

    def _unpacked(self, packed: memoryview, whole: int) -> Any:
        """A page's bytes. How many they really are Arrow's codecs do not say, which leave the rest as it was."""
        if whole > self._size:
            raise ValueError("a page is larger than its chunk")
        if self._codec is None:
            if len(packed) != whole:
                raise ValueError("a page is not of its size")
            return bytes(packed)
        told = _texts.whole(self._packing, packed)
        if told == whole:
            return self._codec.decompress(packed, whole)
        if told >= 0 or self._codec.name not in _STREAMED:
            raise ValueError("a page may not be of its size")
        return _streamed(packed, whole, self._codec.name)

    def _data(self, head: _Header, packed: memoryview) -> _Page:
        page = self._unpacked(packed, head.whole)
        if not self._nullable:
            return self._rows(head, page, 0, None, head.values)
        view = memoryview(page)
        begin = 4 + int.from_bytes(view[:4], "little")
        if head.level_encoding != _RLE or begin > len(view):
            raise ValueError("levels that are not known")
        bits, values = _texts.levels(view[4:begin], head.values)
        return self._rows(head, page, begin, bits, values)

    def _data_v2(self, head: _Header, packed: memoryview) -> _Page:
        levels = head.level_bytes
        if head.repetition_bytes or not 0 <= levels <= min(head.whole, head.packed) or (levels and not self._nullable):
            raise ValueError("levels that are not known")
        bits, values = _texts.levels(packed[:levels], head.values) if self._nullable else (None, head.values)
        if head.rows != head.values or head.nulls != head.values - values:
            raise ValueError("the header of a page tells of other rows")
        packed, whole = packed[levels:], head.whole - levels
        if not head.compressed and len(packed) != whole:
            raise ValueError("a page is not of its size")
        page = bytes(packed) if not head.compressed else self._unpacked(packed, whole) if whole else b""
        return self._rows(head, page, 0, bits, values)

    def _rows(self, head: _Header, page: Any, begin: int, bits: bytes | None, values: int) -> _Page:
        bits = None if values == head.values else bits
        if head.encoding == _PLAIN:
            return _Page(head.values, bits, (page, None, None), begin, True)
        if head.encoding not in (_PLAIN_DICTIONARY, _RLE_DICTIONARY) or self._words is None:
            raise ValueError("an encoding that is not known")
        begins, words, sure = self._words
        places = _texts.places(memoryview(page)[begin:], values, len(begins) // 4 - 1)
        return _Page(head.values, bits, (places, begins, words), 0, bool(sure))


def _streamed(packed: memoryview, whole: int, codec: str) -> Block:
    """A page of this size, a tenth slower."""
    made = np.empty(whole, np.uint8)
    with pa.CompressedInputStream(pa.BufferReader(packed), codec) as stream:
        if (whole and stream.readinto(made) != whole) or stream.read(1):
            raise ValueError("a page is not of its size")
    return made
