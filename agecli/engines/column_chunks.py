"""A Parquet file put together from chunks of columns, since Arrow is slow at columns of few values.

Those are encoded by `pages`; every other chunk is one that Arrow wrote. What surrounds them, the headers of pages and
the footer, is in Thrift's compact protocol, by the definitions of the Parquet format 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from agecli.engines.pages import KINDS, Pages, decode, encode, read_varint, varint

_TYPES = {pa.int32(): 1, pa.int64(): 2, pa.float32(): 4, pa.float64(): 5, pa.string(): 6}
_ENCODINGS = {"PLAIN": 0, "RLE": 3, "DELTA_LENGTH_BYTE_ARRAY": 6, "RLE_DICTIONARY": 8, "BYTE_STREAM_SPLIT": 9}
_CODECS = {"ZSTD": 6, "LZ4": 7}
_MAGIC = b"PAR1"
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_I16, _I32, _I64, _BINARY, _LIST, _STRUCT = 4, 5, 6, 8, 9, 12  # Thrift's types

Others = Callable[[pa.BufferOutputStream, pa.Schema], pq.ParquetWriter]


@dataclass(frozen=True)
class Chunk:
    """A column of one row group, its `rows` as bytes, and what the footer says of them.

    Its data pages begin at the byte `data`, behind a dictionary if that is not the first; `whole` is its size before
    it was compressed.
    """

    rows: int
    parts: tuple[bytes | pa.Buffer, ...]
    data: int
    whole: int
    encodings: tuple[str, ...]
    codec: str

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))


class ChunkFile:
    """Stands for a ParquetWriter of a table of numbers and texts; no column named in `plain` has few values.

    `others` gives Arrow's writer for the columns that are left to it. Each call writes one row group, whose bytes
    depend on its rows alone.
    """

    def __init__(self, path: Path, schema: pa.Schema, plain: Iterable[str], others: Others) -> None:
        self._fields, self._plain, self._others = _stored(schema), set(plain), others
        self._stream = path.open("wb")
        self._stream.write(_MAGIC)
        self._end = len(_MAGIC)
        self._rows = 0
        self._groups: list[bytes] = []
        self._told: list[bytes] = []

    def __enter__(self) -> ChunkFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def write_table(
        self, group: pa.Table, row_group_size: int | None = None, ready: Mapping[str, Chunk] | None = None
    ) -> None:
        """Writes one row group, whatever the size; chunks that are `ready` stand for columns that it has not."""
        if not group.num_rows:
            return
        chunks = dict(ready or {})
        for name in group.column_names:
            chunk = None if name in self._plain else _encode(group.column(name))
            if chunk is not None:
                chunks[name] = chunk
        chunks |= self._by_arrow(group.select([name for name in group.column_names if name not in chunks]))
        if any(chunk.rows != group.num_rows for chunk in chunks.values()):
            raise ValueError("the chunks have not as many rows as the group")
        begin, described = self._end, []
        for field in self._fields:
            described.append(self._described(field, chunks[field.name], group.num_rows))
            self._stream.writelines(chunks[field.name].parts)
            self._end += chunks[field.name].size
        self._groups.append(
            _struct(
                (1, _LIST, _list(_STRUCT, described)),
                (2, _I64, _number(sum(chunk.whole for chunk in chunks.values()))),
                (3, _I64, _number(group.num_rows)),
                (5, _I64, _number(begin)),
                (6, _I64, _number(self._end - begin)),
                (7, _I16, _number(len(self._groups))),
            )
        )
        self._rows += group.num_rows

    def add_key_value_metadata(self, told: Mapping[str, str]) -> None:
        """Texts for the footer."""
        self._told += [_struct((1, _BINARY, _text(key)), (2, _BINARY, _text(text))) for key, text in told.items()]

    def close(self) -> None:
        """Writes the footer, without which the file is none."""
        root = _struct((4, _BINARY, _text("schema")), (5, _I32, _number(len(self._fields))))
        footer = _struct(
            (1, _I32, _number(2)),
            (2, _LIST, _list(_STRUCT, [root, *map(_column, self._fields)])),
            (3, _I64, _number(self._rows)),
            (4, _LIST, _list(_STRUCT, self._groups)),
            *([(5, _LIST, _list(_STRUCT, self._told))] if self._told else []),
            (6, _BINARY, _text("agecli version 1")),
        )
        with self._stream:
            self._stream.write(footer + len(footer).to_bytes(4, "little") + _MAGIC)

    def _by_arrow(self, table: pa.Table) -> dict[str, Chunk]:
        if not table.num_columns:
            return {}
        sink = pa.BufferOutputStream()
        with self._others(sink, table.schema) as writer:
            writer.write_table(table, row_group_size=table.num_rows)
        written = sink.getvalue()
        group = pq.read_metadata(pa.BufferReader(written)).row_group(0)
        return {name: _taken(group.column(i), written.slice) for i, name in enumerate(table.column_names)}

    def _described(self, field: pa.Field, chunk: Chunk, rows: int) -> bytes:
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
        if chunk.data:
            about.append((11, _I64, _number(self._end)))
        return _struct((2, _I64, _number(self._end)), (3, _STRUCT, _struct(*about)))


def takes(schema: pa.Schema) -> bool:
    """Whether all the types of such a table are known here."""
    return all(field.nullable and field.type in _TYPES for field in _stored(schema))


def _stored(schema: pa.Schema) -> list[pa.Field]:
    """The columns as readers get them: words of a dictionary are texts."""
    words = (pa.types.is_dictionary(field.type) for field in schema)
    return [
        field.with_type(field.type.value_type) if word else field for word, field in zip(words, schema, strict=True)
    ]


def carried(file: pq.ParquetFile, schema: pa.Schema, wanted: Iterable[str]) -> list[str]:
    """Those of the columns `wanted` whose chunks can go from a file of the feature table into one of this schema."""
    there, stored = file.schema.to_arrow_schema(), {field.name: field for field in _stored(schema)}
    return [name for name in wanted if takes(schema) and there.field(name).equals(stored[name])]


def chunks_of(path: Path, file: pq.ParquetFile, group: int, names: Iterable[str]) -> dict[str, Chunk]:
    """Chunks of a row group as they are, neither read nor checked."""
    about = file.metadata.row_group(group)
    with path.open("rb") as stream:

        def read(begin: int, size: int) -> bytes:
            stream.seek(begin)
            return stream.read(size)

        return {name: _taken(about.column(file.schema_arrow.names.index(name)), read) for name in names}


def columns_of(path: Path, file: pq.ParquetFile, group: int, names: Iterable[str]) -> dict[str, pa.Array]:
    """Columns of a row group, texts as dictionaries, that are quicker to be had here; Arrow reads the others."""
    about, kinds = file.metadata.row_group(group), file.schema.to_arrow_schema()
    found = {}
    with path.open("rb") as stream:
        for name in names:
            told = about.column(kinds.get_field_index(name))
            begin, data = told.dictionary_page_offset, told.data_page_offset
            if told.compression != "LZ4" or begin is None or data is None:
                continue
            stream.seek(begin)
            chunk = stream.read(told.total_compressed_size)
            first = _read_page(chunk[: data - begin], _DICTIONARY_PAGE)
            second = _read_page(chunk[data - begin :], _DATA_PAGE)
            if first is None or second is None:
                continue
            column = decode(Pages(first[1], first[0], second[1]), kinds.field(name).type, second[0])
            if column is not None and second[0] == about.num_rows:
                found[name] = column
    return found


def _taken(told: pq.ColumnChunkMetaData, read: Callable[[int, int], bytes | pa.Buffer]) -> Chunk:
    data = told.data_page_offset
    begin = min(data, told.dictionary_page_offset or data)
    part = read(begin, told.total_compressed_size)
    return Chunk(told.num_values, (part,), data - begin, told.total_uncompressed_size, told.encodings, told.compression)


def _encode(column: pa.ChunkedArray) -> Chunk | None:
    """The chunk of a column of few values; None where Arrow writes it as well."""
    made = encode(column.chunk(0)) if column.type in KINDS and column.num_chunks == 1 else None
    if made is None:
        return None
    codec = pa.Codec("lz4_raw")
    values, rows = (codec.compress(page, asbytes=True) for page in (made.values, made.rows))
    first = _page(_DICTIONARY_PAGE, len(made.values), len(values), made.entries)
    second = _page(_DATA_PAGE, len(made.rows), len(rows), len(column))
    whole = len(first) + len(made.values) + len(second) + len(made.rows)
    told = ("PLAIN", "RLE", "RLE_DICTIONARY")
    return Chunk(len(column), (first, values, second, rows), len(first) + len(values), whole, told, "LZ4")


_Field = tuple[int, int, bytes]


def _page(kind: int, whole: int, packed: int, values: int) -> bytes:
    """The header of a page: its sizes, and how many values it has."""
    encodings = ((2, 0),) if kind == _DICTIONARY_PAGE else ((2, 8), (3, 3), (4, 3))  # PLAIN; RLE_DICTIONARY, RLE, RLE
    about = _struct((1, _I32, _number(values)), *((field, _I32, _number(code)) for field, code in encodings))
    sizes = ((2, _I32, _number(whole)), (3, _I32, _number(packed)))
    return _struct((1, _I32, _number(kind)), *sizes, (7 if kind == _DICTIONARY_PAGE else 5, _STRUCT, about))


def _read_page(page: bytes, kind: int) -> tuple[int, bytes] | None:
    """A page's number of values and its bytes; None for a header that is not as `_page` writes it."""
    numbers, at = [], 0
    for mark in (0x15, 0x15, 0x15, 0x4C if kind == _DICTIONARY_PAGE else 0x2C, 0x15):  # i32s, and the struct's begin
        if at >= len(page) or page[at] != mark:
            return None
        at += 1
        if mark == 0x15:
            number, at = read_varint(page, at)
            numbers.append(number >> 1)
    told, whole, packed, values = numbers
    begin = len(page) - packed
    if told != kind or begin < at or page[:begin] != _page(kind, whole, packed, values):
        return None
    return values, pa.Codec("lz4_raw").decompress(page[begin:], whole, asbytes=True)


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
