"""Writes record batches as the Parquet files of a table: row groups of one size, files of so many row groups."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from agecli.engines.base import Layout


class Writer:
    """Used as a context; `names` and `rows` say what was written. A table without rows has a file without rows."""

    def __init__(self, location: Path, schema: pa.Schema, group_rows: int, layout: Layout) -> None:
        self.location, self.schema, self.group_rows, self.layout = location, schema, group_rows, layout
        self.names: list[str] = []
        self.rows = 0
        self._dictionaries = [name for name in schema.names if name not in layout.distinct]
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
            name = f"part-{len(self.names):05d}.parquet"
            dictionaries = self._dictionaries if self.layout.distinct else True
            self._file = pq.ParquetWriter(
                self.location / name, self.schema, compression="zstd", use_dictionary=dictionaries
            )
            self.names.append(name)
            self._groups = 0
        self._file.write_table(group.combine_chunks(), row_group_size=self.group_rows)
        self._groups += 1

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
