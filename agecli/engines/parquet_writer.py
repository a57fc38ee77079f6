"""Writes record batches as the Parquet files of a table: row groups of one size, files of so many row groups."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType

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
        if self._file is None or self._groups == self.layout.file_groups:
            self._close()
            name = f"part-{self.layout.first_file + len(self.names):05d}.parquet"
            self._file = writer_of(self.location / name, self.schema, self.layout)
            self.names.append(name)
            self._groups = 0
        group = group.combine_chunks()
        self._look_at(group)
        self._file.write_table(group, row_group_size=self.group_rows)
        self._groups += 1

    def _look_at(self, group: pa.Table) -> None:
        """Notes what footers would tell of the columns, were all statistics written."""
        for name, column in zip(group.column_names, group.columns, strict=True):
            self.nulls[name] += column.null_count
            if pa.types.is_floating(column.type) and name not in self.infinite:
                ends = pc.min_max(column)
                if math.inf in (ends["max"].as_py(), -(ends["min"].as_py() or 0.0)):
                    self.infinite.add(name)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def writer_of(path: Path, schema: pa.Schema, layout: Layout) -> pq.ParquetWriter:
    """A Parquet file with what measures best for such columns.

    Texts that hardly repeat go with their lengths first, such floats a byte of all of them after the other.
    """
    encodings = {}
    for name in layout.distinct:
        kind = schema.field(name).type
        if pa.types.is_string(kind):
            encodings[name] = "DELTA_LENGTH_BYTE_ARRAY"
        elif pa.types.is_floating(kind):
            encodings[name] = "BYTE_STREAM_SPLIT"
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=[name for name in schema.names if name not in layout.distinct] if layout.distinct else True,
        column_encoding=encodings or None,
        write_statistics=layout.statistics,
    )
