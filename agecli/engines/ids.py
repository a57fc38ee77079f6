"""Are the ids of a table unique? Answered in memory that does not grow with rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from agecli.engines.base import Table
from agecli.engines.dialect.types import quote_name
from agecli.engines.tables import quoted_files
from agecli.engines.tally import hash_sum

_AT_ONCE = 4_000_000  # hashes held in memory: 32 MB
_SHOWN = 5


@dataclass(frozen=True)
class IdCheck:
    """`checksum` is that of the same ids in any order, by this engine; `repeated` shows a few repeated ids.

    `rows_checksum` is that of the rows of more columns.
    """

    rows: int
    nulls: int
    repeated: tuple[object, ...]
    checksum: str
    rows_checksum: str


def checksum(table: Table, columns: Sequence[str], memory_mb: int = 512) -> str:
    """The sum of the hashes of these columns' rows, whatever their order. Only sums of one version of the engine on
    one machine may be compared: the hash is its own business."""
    with _opened(table, memory_mb) as connection:
        ((total,),) = connection.execute(f"SELECT sum({_hash(columns)}::HUGEINT) FROM rows").fetchall()
    return f"{int(total or 0):x}"


def _hash(columns: Sequence[str]) -> str:
    return f"hash({', '.join(quote_name(column) for column in columns)})"


@contextmanager
def _opened(table: Table, memory_mb: int) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = 2; SET memory_limit = '{memory_mb}MB'")
        connection.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet({quoted_files(table.files)})")
        yield connection


def check_ids(
    table: Table, column: str, scratch: Path, memory_mb: int = 512, columns: Sequence[str] | None = None
) -> IdCheck:
    """Counts rows and NULL ids, sums the hashes of ids and of `columns` (that of the ids alone), finds repeated ids.

    64-bit hashes are spread over files in `scratch` by their value and each file is sorted alone, so memory is
    bounded; ids whose hashes meet are compared themselves.
    """
    seen, name = _Seen(), quote_name(column)
    with _opened(table, memory_mb) as connection:
        ((rows,),) = connection.execute("SELECT count(*) FROM rows").fetchall()
        # sql() streams where execute() would gather the whole result first
        reader = connection.sql(
            f"SELECT {name} IS NULL AS absent, {_hash([column])} AS h, {_hash(columns or [column])} AS r FROM rows"
        ).to_arrow_reader(100_000)
        suspects = _repeated_hashes(seen.ids(reader), rows, scratch)
        repeated: tuple[object, ...] = ()
        if suspects:
            connection.execute("CREATE TEMP TABLE suspects AS SELECT unnest($1::UBIGINT[]) AS h", [suspects])
            found = connection.execute(
                f"SELECT {name} FROM rows WHERE hash({name}) IN (SELECT h FROM suspects) AND {name} IS NOT NULL"
                f" GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT {_SHOWN}"
            ).fetchall()
            repeated = tuple(row[0] for row in found)
    return IdCheck(rows, seen.nulls, repeated, f"{seen.total:x}", f"{seen.row_total:x}")


class _Seen:
    """What is added up while hashes of rows pass by."""

    def __init__(self) -> None:
        self.nulls = self.total = self.row_total = 0

    def ids(self, reader: pa.RecordBatchReader) -> Iterator[npt.NDArray[np.uint64]]:
        """The hashes of the ids that are there."""
        for batch in reader:
            absent = np.asarray(batch.column(0).to_numpy(zero_copy_only=False))
            hashes, rows = (batch.column(i).to_numpy() for i in (1, 2))
            self.nulls += int(np.count_nonzero(absent))
            self.total += hash_sum(hashes)
            self.row_total += hash_sum(rows)
            yield hashes[~absent] if absent.any() else hashes


def _repeated_hashes(batches: Iterator[npt.NDArray[np.uint64]], rows: int, scratch: Path) -> list[int]:
    parts = 1
    while rows > parts * _AT_ONCE:
        parts *= 2
    if parts == 1:
        held = np.empty(rows, np.uint64)
        filled = 0
        for hashes in batches:
            held[filled : filled + len(hashes)] = hashes
            filled += len(hashes)
        return _twice(held[:filled])
    paths = [scratch / f"_ids-{part}" for part in range(parts)]
    streams = [path.open("wb") for path in paths]
    try:
        for hashes in batches:
            owner = hashes & np.uint64(parts - 1)
            for part, stream in enumerate(streams):
                stream.write(hashes[owner == part].tobytes())
        for stream in streams:
            stream.close()
        return [value for path in paths for value in _twice(np.fromfile(path, np.uint64))][:1000]
    finally:
        for stream, path in zip(streams, paths, strict=True):
            stream.close()
            path.unlink(missing_ok=True)


def _twice(hashes: npt.NDArray[np.uint64]) -> list[int]:
    hashes.sort()
    return [int(value) for value in hashes[1:][hashes[1:] == hashes[:-1]][:1000]]
