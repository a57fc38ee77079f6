"""A Parquet file put together from chunks of columns, since Arrow is slow at columns of few values.

Those are encoded by `pages`; every other chunk is one that Arrow wrote. What surrounds them, the headers of pages and
the footer, is in Thrift's compact protocol, by the definitions of the Parquet format 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from agecli.engines.pages import KINDS, encode, varint

_TYPES = {pa.int32(): 1, pa.int64(): 2, pa.float32(): 4, pa.float64(): 5, pa.string(): 6}
_ENCODINGS = {"PLAIN": 0, "RLE": 3, "DELTA_LENGTH_BYTE_ARRAY": 6, "RLE_DICTIONARY": 8, "BYTE_STREAM_SPLIT": 9}
_CODECS = {"ZSTD": 6, "LZ4": 7}
_MAGIC = b"PAR1"
_I16, _I32, _I64, _BINARY, _LIST, _STRUCT = 4, 5, 6, 8, 9, 12  # Thrift's types

Others = Callable[[pa.BufferOutputStream, pa.Schema], pq.ParquetWriter]


@dataclass(frozen=True)
class _Chunk:
    """A column of one row group: its bytes, and what the footer says of them. `data` is where its data pages begin."""

    parts: tuple[bytes | pa.Buffer, ...]
    data: int
    whole: int
    encodings: tuple[str, ...]
    codec: str
    dictionary: bool

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))


class ChunkFile:
    """Stands for a ParquetWriter of a table of numbers and texts; no column named in `plain` has few values.

    `others` gives Arrow's writer for the columns that are left to it. Each call writes one row group, whose bytes
    depend on its rows alone.
    """

    def __init__(self, path: Path, schema: pa.Schema, plain: Iterable[str], others: Others) -> None:
        self._schema, self._plain, self._others = schema, set(plain), others
        self._stream = path.open("wb")
        self._stream.write(_MAGIC)
        self._end = len(_MAGIC)
        self._rows = 0
        self._groups: list[bytes] = []

    def write_table(self, group: pa.Table, row_group_size: int) -> None:
        """Writes one row group; `row_group_size` is no smaller than its rows."""
        if not group.num_rows:
            return
        found = {name: _encode(group.column(name)) for name in group.column_names if name not in self._plain}
        chunks = {name: chunk for name, chunk in found.items() if chunk is not None}
        chunks |= self._by_arrow(group.select([name for name in group.column_names if name not in chunks]))
        begin, described, whole = self._end, [], 0
        for field in self._schema:
            chunk = chunks[field.name]
            described.append(self._described(field, chunk, group.num_rows))
            self._stream.writelines(chunk.parts)
            self._end += chunk.size
            whole += chunk.whole
        self._groups.append(
            _struct(
                (1, _LIST, _list(_STRUCT, described)),
                (2, _I64, _number(whole)),
                (3, _I64, _number(group.num_rows)),
                (5, _I64, _number(begin)),
                (6, _I64, _number(self._end - begin)),
                (7, _I16, _number(len(self._groups))),
            )
        )
        self._rows += group.num_rows

    def close(self) -> None:
        """Writes the footer, without which the file is none."""
        root = _struct((4, _BINARY, _text("schema")), (5, _I32, _number(len(self._schema))))
        footer = _struct(
            (1, _I32, _number(2)),
            (2, _LIST, _list(_STRUCT, [root, *map(_column, self._schema)])),
            (3, _I64, _number(self._rows)),
            (4, _LIST, _list(_STRUCT, self._groups)),
            (6, _BINARY, _text("agecli version 1")),
        )
        with self._stream:
            self._stream.write(footer + len(footer).to_bytes(4, "little") + _MAGIC)

    def _by_arrow(self, table: pa.Table) -> dict[str, _Chunk]:
        if not table.num_columns:
            return {}
        sink = pa.BufferOutputStream()
        with self._others(sink, table.schema) as writer:
            writer.write_table(table, row_group_size=table.num_rows)
        written = sink.getvalue()
        group = pq.read_metadata(pa.BufferReader(written)).row_group(0)
        chunks = {}
        for number, name in enumerate(table.column_names):
            told = group.column(number)
            data = told.data_page_offset
            begin = min(data, told.dictionary_page_offset or data)
            part = written.slice(begin, told.total_compressed_size)
            chunks[name] = _Chunk(
                (part,), data - begin, told.total_uncompressed_size, told.encodings, told.compression, data > begin
            )
        return chunks

    def _described(self, field: pa.Field, chunk: _Chunk, rows: int) -> bytes:
        encodings = [_number(_ENCODINGS[name]) for name in chunk.encodings]
        about = [
            (1, _I32, _number(_TYPES[field.type])),
            (2, _LIST, _list(_I32, encodings)),
            (3, _LIST, _list(_BINARY, [_text(field.name)])),
            (4, _I32, _number(_CODECS[chunk.codec])),
            (5, _I64, _number(rows)),
            (6, _I64, _number(chunk.whole)),
            (7, _I64, _number(chunk.size)),
            (9, _I64, _number(self._end + chunk.data)),
        ]
        if chunk.dictionary:
            about.append((11, _I64, _number(self._end)))
        return _struct((2, _I64, _number(self._end)), (3, _STRUCT, _struct(*about)))


def takes(schema: pa.Schema) -> bool:
    """Whether all the types of such a table are known here."""
    return all(field.nullable and field.type in _TYPES for field in schema)


def _encode(column: pa.ChunkedArray) -> _Chunk | None:
    """The chunk of a column of few values; None where Arrow writes it as well."""
    made = encode(column.chunk(0)) if column.type in KINDS and column.num_chunks == 1 else None
    if made is None:
        return None
    codec = pa.Codec("lz4_raw")
    values, rows = (codec.compress(page, asbytes=True) for page in (made.values, made.rows))
    first = _page(2, made.values, values, 7, (1, _I32, _number(made.entries)), (2, _I32, _number(0)))
    encodings = ((2, _I32, _number(8)), (3, _I32, _number(3)), (4, _I32, _number(3)))
    second = _page(0, made.rows, rows, 5, (1, _I32, _number(len(column))), *encodings)
    whole = len(first) + len(made.values) + len(second) + len(made.rows)
    told = ("PLAIN", "RLE", "RLE_DICTIONARY")
    return _Chunk((first, values, second, rows), len(first) + len(values), whole, told, "LZ4", True)


_Field = tuple[int, int, bytes]


def _page(kind: int, whole: bytes, packed: bytes, number: int, *about: _Field) -> bytes:
    """The header of a page; `about` is its struct of that number."""
    sizes = ((2, _I32, _number(len(whole))), (3, _I32, _number(len(packed))))
    return _struct((1, _I32, _number(kind)), *sizes, (number, _STRUCT, _struct(*about)))


def _column(field: pa.Field) -> bytes:
    about = [(1, _I32, _number(_TYPES[field.type])), (3, _I32, _number(1)), (4, _BINARY, _text(field.name))]
    if field.type == pa.string():
        about += [(6, _I32, _number(0)), (10, _STRUCT, _struct((1, _STRUCT, _struct())))]
    return _struct(*about)


def _struct(*fields: _Field) -> bytes:
    made, last = bytearray(), 0
    for number, kind, value in fields:
        made.append((number - last) << 4 | kind)
        made += value
        last = number
    return bytes(made) + b"\0"


def _list(kind: int, items: list[bytes]) -> bytes:
    head = bytes([len(items) << 4 | kind]) if len(items) < 15 else bytes([0xF0 | kind]) + varint(len(items))
    return head + b"".join(items)


def _text(text: str) -> bytes:
    told = text.encode()
    return varint(len(told)) + told


def _number(number: int) -> bytes:
    return varint(number << 1)  # none is negative here
