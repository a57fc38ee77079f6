"""Are the ids of a table unique? Answered in memory that does not grow with rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from agecli.engines.base import Table
from agecli.engines.tables import quoted_files

_AT_ONCE = 4_000_000  # hashes held in memory: 32 MB
_SHOWN = 5
_SUM = "sum(hash(id)::HUGEINT)"


@dataclass(frozen=True)
class IdCheck:
    """`checksum` is that of the same ids in any order, in this process; `repeated` shows a few repeated ids."""

    rows: int
    nulls: int
    repeated: tuple[object, ...]
    checksum: str


def checksum(table: Table, column: str, memory_mb: int = 512) -> str:
    """The sum of the ids' hashes. Only sums of one process may be compared: the hash is the engine's own business."""
    with _ids(table, column, memory_mb) as connection:
        ((total,),) = connection.execute(f"SELECT {_SUM} FROM ids").fetchall()
    return f"{int(total or 0):x}"


def rows_checksum(table: Table, columns: Sequence[str], memory_mb: int = 512) -> str:
    """The sum of the hashes of these columns' rows, whatever their order; to be compared as `checksum` is."""
    listed = ", ".join(f'"{column}"' for column in columns)
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = 2; SET memory_limit = '{memory_mb}MB'")
        sql = f"SELECT sum(hash({listed})::HUGEINT) FROM read_parquet({quoted_files(table.files)})"
        ((total,),) = connection.execute(sql).fetchall()
    return f"{int(total or 0):x}"


@contextmanager
def _ids(table: Table, column: str, memory_mb: int) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = 2; SET memory_limit = '{memory_mb}MB'")
        connection.execute(f'CREATE VIEW ids AS SELECT "{column}" AS id FROM read_parquet({quoted_files(table.files)})')
        yield connection


def check_ids(table: Table, column: str, scratch: Path, memory_mb: int = 512) -> IdCheck:
    """Counts rows and NULL ids, sums the ids' hashes, and finds repeated ids.

    64-bit hashes are spread over files in `scratch` by their value and each file is sorted alone, so memory is
    bounded; ids whose hashes meet are compared themselves.
    """
    with _ids(table, column, memory_mb) as connection:
        rows, nulls, total = connection.execute(f"SELECT count(*), count(*) - count(id), {_SUM} FROM ids").fetchall()[0]
        suspects = _repeated_hashes(connection, rows, scratch)
        repeated: tuple[object, ...] = ()
        if suspects:
            connection.execute("CREATE TEMP TABLE suspects AS SELECT unnest($1::UBIGINT[]) AS h", [suspects])
            found = connection.execute(
                "SELECT id FROM ids WHERE hash(id) IN (SELECT h FROM suspects) AND id IS NOT NULL"
                f" GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT {_SHOWN}"
            ).fetchall()
            repeated = tuple(row[0] for row in found)
    return IdCheck(rows, nulls, repeated, f"{int(total or 0):x}")


def _repeated_hashes(connection: duckdb.DuckDBPyConnection, rows: int, scratch: Path) -> list[int]:
    parts = 1
    while rows > parts * _AT_ONCE:
        parts *= 2
    # sql() streams where execute() would gather the whole result first
    reader = connection.sql("SELECT hash(id) AS h FROM ids WHERE id IS NOT NULL").to_arrow_reader(100_000)
    batches = (batch.column(0).to_numpy() for batch in reader)
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
