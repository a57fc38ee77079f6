"""Writes record batches as the Parquet files of a table: row groups of one size, files of so many row groups."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from agecli.engines.base import Layout


class Writer:
    """Used as a context; `names` and `rows` say what was written. A table without rows has a file without rows."""

    def __init__(self, location: Path, schema: pa.Schema, group_rows: int, layout: Layout) -> None:
        self.location, self.schema, self.group_rows, self.layout = location, schema, group_rows, layout
        self.names: list[str] = []
        self.rows = 0
        self.nulls = dict.fromkeys(schema.names, 0)
        self.infinite: set[str] = set()
        self._waiting: list[pa.RecordBatch] = []
        self._held = self._groups = 0
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and (self._held or not self.names):
                self._write(pa.Table.from_batches(self._waiting, self.schema))
        finally:
            self._close()

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes a batch; writes a row group as often as there are rows enough for one."""
        self.rows += batch.num_rows
        self._held += batch.num_rows
        self._waiting.append(batch)
        while self._held >= self.group_rows:
            held = pa.Table.from_batches(self._waiting, self.schema)
            self._write(held.slice(0, self.group_rows))
            self._waiting = held.slice(self.group_rows).to_batches()
            self._held -= self.group_rows

    def _write(self, group: pa.Table) -> None:
        group = group.combine_chunks()  # columns in one piece: how the rows came leaves no trace in the bytes
        if self._file is None or self._groups == self.layout.file_groups:
            self._close()
            name = f"part-{len(self.names):05d}.parquet"
            self._file = writer_of(self.location / name, self.schema, self.layout, group)
            self.names.append(name)
            self._groups = 0
        self._look_at(group)
        self._file.write_table(group, row_group_size=self.group_rows)
        self._groups += 1

    def _look_at(self, group: pa.Table) -> None:
        """Notes what footers would tell of the columns, were all statistics written."""
        for name, column in zip(group.column_names, group.columns, strict=True):
            self.nulls[name] += column.null_count
            if pa.types.is_floating(column.type) and name not in self.infinite and _any_infinite(column):
                self.infinite.add(name)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _any_infinite(column: pa.ChunkedArray) -> bool:
    for chunk in column.chunks:
        data = chunk.buffers()[1]
        if data is None:
            continue
        values = np.frombuffer(data, column.type.to_pandas_dtype())[chunk.offset : chunk.offset + len(chunk)]
        # where a value is NULL, anything may lie
        if np.isinf(values).any() and pc.any(pc.is_inf(chunk)).as_py():
            return True
    return False


def writer_of(path: Path, schema: pa.Schema, layout: Layout, first: pa.Table | None = None) -> pq.ParquetWriter:
    """A Parquet file with what measures best for such columns as in `first`, its first row group.

    Texts that hardly repeat go with their lengths first, such floats a byte of all of them after the other. A column
    of few values is but places in a dictionary, which a quick codec makes about as small as a slow one.
    """
    looked = first.column_names if layout.quick and first is not None else ()
    distinct = {*layout.distinct, *(name for name in looked if _hardly_repeats(first.column(name)))}
    encodings, codecs = {}, {}
    for name, kind in zip(schema.names, schema.types, strict=True):
        split = name in distinct and pa.types.is_floating(kind)
        if split:
            encodings[name] = "BYTE_STREAM_SPLIT"
        elif name in layout.distinct and pa.types.is_string(kind):
            encodings[name] = "DELTA_LENGTH_BYTE_ARRAY"
        codecs[name] = "lz4" if split or name not in distinct else "zstd"
    return pq.ParquetWriter(
        path,
        schema,
        compression=codecs if layout.quick else "zstd",
        use_dictionary=[name for name in schema.names if name not in distinct] if distinct else True,
        column_encoding=encodings or None,
        write_statistics=layout.statistics,
        store_schema=not any(map(pa.types.is_dictionary, schema.types)),  # readers get words as plain strings
    )


def _hardly_repeats(column: pa.ChunkedArray) -> bool:
    """Whether a dictionary of these numbers or texts, and the places in it, would save next to nothing."""
    rows = len(column) - column.null_count
    if pa.types.is_string(column.type):
        return bool(2 * pc.count_distinct(column).as_py() > rows)
    if not pa.types.is_floating(column.type):
        return False
    values = pc.count_distinct(column).as_py()
    width = column.type.bit_width
    return bool(values * width + rows * values.bit_length() > 0.9 * rows * width)
