"""Columns of a table's Parquet files, a batch of rows after the other: texts by `text_columns`, all else by Arrow."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO

import pyarrow as pa
import pyarrow.parquet as pq

from agecli.engines.base import Table
from agecli.engines.text_columns import Blocks, Strange, TextChunk, columns_of, knows
from agecli.errors import DataError

_BATCH_ROWS, _LEAST_ROWS = 16_384, 256
_BATCH_BYTES = 32 << 20  # of all columns
_READ_BYTES = 1 << 18  # of a column at a time, where its part of a row group is larger

Columns = dict[str, pa.Array]


def batches(table: Table, names: Sequence[str], words: Sequence[str]) -> Iterator[tuple[Columns, int]]:
    """Columns by their names, and the number of rows. Those that are `words` may come as dictionaries.

    The memory of texts is taken again for later batches, unless something holds it. DataError where a file cannot be
    read, or a text is no UTF-8.
    """
    first, last = table.rows or (0, None)
    blocks = {name: Blocks() for name in names}
    start = 0
    for path in table.files:
        with (
            _readable(path),
            pq.ParquetFile(path, read_dictionary=words, buffer_size=_READ_BYTES, pre_buffer=False) as file,
            FileIO(path) as stream,
        ):
            reader = _Reader(file, stream, names, blocks)
            for group in range(file.num_row_groups):
                at, start = start, start + file.metadata.row_group(group).num_rows
                if start <= first or (last is not None and at >= last):
                    continue
                yield from reader.rows(group, max(first - at, 0), (start if last is None else min(last, start)) - at)
        gc.collect(1)  # of a footer the metadata and its schema hold each other


class _Reader:
    """Row groups of one file."""

    def __init__(
        self, file: pq.ParquetFile, stream: FileIO, names: Sequence[str], blocks: Mapping[str, Blocks]
    ) -> None:
        self._file, self._stream, self._names, self._blocks = file, stream, names, blocks
        self._texts = columns_of(file, names)

    def rows(self, group: int, begin: int, end: int) -> Iterator[tuple[Columns, int]]:
        """The rows of a row group from `begin` to before `end`."""
        try:
            for columns, count in self._by_page(group, begin, end):
                begin += count
                yield columns, count
                del columns  # its memory is free for the next
            return
        except Strange:
            self._texts = {}
        for part in self._by_arrow(group, self._names, begin, end):
            yield {name: _checked(part.column(name)) for name in self._names}, part.num_rows

    def _by_page(self, group: int, begin: int, end: int) -> Iterator[tuple[Columns, int]]:
        """The same; Strange where Arrow is to read the rest."""
        about = self._file.metadata.row_group(group)
        chunks = {
            name: TextChunk(self._stream, about.column(i), self._nullable(i), self._blocks[name], _READ_BYTES)
            for name, i in self._texts.items()
            if knows(about.column(i), about.num_rows)
        }
        others = [name for name in self._names if name not in chunks]
        for chunk in chunks.values():
            chunk.skip(begin)
        parts = self._by_arrow(group, others, begin, end) if others else _cuts(about, begin, end)
        for part in parts:
            count = part if isinstance(part, int) else part.num_rows
            columns = {} if isinstance(part, int) else {name: _checked(part.column(name)) for name in others}
            del part
            for name, chunk in chunks.items():
                columns[name], sure = chunk.take(count)
                if not sure:
                    _checked(columns[name])
            yield columns, count
            del columns

    def _nullable(self, leaf: int) -> bool:
        return bool(self._file.schema.column(leaf).max_definition_level)

    def _by_arrow(self, group: int, names: Sequence[str], begin: int, end: int) -> Iterator[pa.RecordBatch]:
        # over several row groups, Arrow holds on to far more than a batch
        at, at_once = 0, _rows_at_once(self._file.metadata.row_group(group))
        for batch in self._file.iter_batches(at_once, [group], names, use_threads=False):
            low, high = max(begin - at, 0), min(end - at, batch.num_rows)
            at += batch.num_rows
            if low < high:
                yield batch if high - low == batch.num_rows else batch.slice(low, high - low)
            if at >= end:
                return
        if at < end:  # a column has fewer values, for which Arrow has no error
            raise pa.ArrowInvalid(f"row group {group} has fewer rows than the footer says")


def _cuts(group: pq.RowGroupMetaData, begin: int, end: int) -> Iterator[int]:
    """How many rows each batch has that Arrow would make of these."""
    at_once = _rows_at_once(group)
    while begin < end:
        cut = min(begin - begin % at_once + at_once, end)
        yield cut - begin
        begin = cut


def _rows_at_once(group: pq.RowGroupMetaData) -> int:
    """Rows of a batch, fewer where they are long."""
    size: int = sum(group.column(i).total_uncompressed_size for i in range(group.num_columns))
    rows: int = group.num_rows
    return max(_LEAST_ROWS, min(_BATCH_ROWS, _BATCH_BYTES * rows // max(size, 1)))


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        why = f"{path}: {str(error).splitlines()[0]}"
        raise DataError("the data cannot be read", why, "check the files of the source") from None


def _checked(column: pa.Array) -> pa.Array:
    """The column, whose texts are UTF-8; without its dictionary, where that has more texts than the column has rows."""
    if pa.types.is_dictionary(column.type) and len(column.dictionary) > len(column):
        column = column.cast(pa.string())
    if pa.types.is_dictionary(column.type):
        column.dictionary.validate(full=True)
    elif pa.types.is_string(column.type):
        column.validate(full=True)
    return column
