"""Writes record batches as the Parquet files of a table: row groups of one size, files of so many row groups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from agecli.engines.base import Layout
from agecli.engines.column_chunks import ChunkFile, takes


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
        self._file: pq.ParquetWriter | ChunkFile | None = None

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
            name = f"part-{self.layout.first_file + len(self.names):05d}.parquet"
            self._file = writer_of(self.location / name, self.schema, self.layout)
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
        file, self._file = self._file, None  # where its end cannot be written, there is no second one
        if file is not None:
            file.close()


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


def writer_of(path: Path, schema: pa.Schema, layout: Layout) -> pq.ParquetWriter | ChunkFile:
    """A Parquet file with what measures best for such columns."""
    if layout.quick and takes(schema):
        return ChunkFile(path, schema, layout.distinct, lambda sink, rest: _by_arrow_too(sink, rest, layout))
    return by_arrow(path, schema, layout)


def _by_arrow_too(sink: pa.BufferOutputStream, schema: pa.Schema, layout: Layout) -> pq.ParquetWriter:
    """Numbers that are left to Arrow hardly repeat."""
    numbers = (field.name for field in schema if pa.types.is_floating(field.type))
    return by_arrow(sink, schema, replace(layout, distinct=(*layout.distinct, *numbers)))


def by_arrow(where: Path | pa.BufferOutputStream, schema: pa.Schema, layout: Layout) -> pq.ParquetWriter:
    """A Parquet file that Arrow writes.

    Texts that hardly repeat go with their lengths first, such floats a byte of all of them after the other. Neither
    these nor places in a dictionary are much smaller with a slow codec than with a quick one.
    """
    encodings, codecs = {}, {}
    for name, kind in zip(schema.names, schema.types, strict=True):
        codecs[name] = "lz4"
        if name not in layout.distinct:
            continue
        if pa.types.is_floating(kind):
            encodings[name] = "BYTE_STREAM_SPLIT"
        else:
            codecs[name] = "zstd"
            if pa.types.is_string(kind):
                encodings[name] = "DELTA_LENGTH_BYTE_ARRAY"
    return pq.ParquetWriter(
        where,
        schema,
        compression=codecs if layout.quick else "zstd",
        use_dictionary=[name for name in schema.names if name not in layout.distinct] if layout.distinct else True,
        column_encoding=encodings or None,
        write_statistics=not layout.quick,
        store_schema=not any(map(pa.types.is_dictionary, schema.types)),  # readers get words as plain strings
    )
