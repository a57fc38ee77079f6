"""Parquet footers of many files: read in parallel, by one ranged read each, and remembered by size and time.

What is kept of a footer is what a scan needs: where each column chunk lies, how long it is, its least and greatest
value. It has a JSON form, which the cache holds and which lets an estimate be made again without the file.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from agecli.cost import cache
from agecli.cost.objects import Object, error_of, filesystem_of
from agecli.engines.arrow_types import from_arrow
from agecli.engines.base import Column
from agecli.engines.dialect.types import Type
from agecli.errors import AgecliError, DataError

_THREADS = 16
_POSTSCRIPT = 8  # four bytes of length, four of magic
_EPOCH = datetime.date(1970, 1, 1)
_OF_A_MILLISECOND = {"ms": 1, "us": 1000, "ns": 1_000_000}
_WIDE_ENOUGH = {"tinyint": "integer", "smallint": "integer", "integer": "integer", "bigint": "integer"}


class Chunk(NamedTuple):
    """A column chunk: bytes from `start`, of which the first `dictionary` are the dictionary page.

    `low` and `high` are bounds of its values, of the kind that `conditions` uses, None where there are none that can
    be relied on; `nulls` is None where it is not known. `bloom` is the length of its Bloom filter.
    """

    leaf: str
    start: int
    length: int
    dictionary: int = 0
    indexed: bool = False
    bloom: int = 0
    kind: str = ""
    low: Any = None
    high: Any = None
    nulls: int | None = None


class RowGroup(NamedTuple):
    rows: int
    chunks: tuple[Chunk, ...]

    @property
    def start(self) -> int:
        """Where the first column begins, by which a reader finds the part of a file that the row group belongs to."""
        return self.chunks[0].start if self.chunks else 0


@dataclass(frozen=True)
class Footer:
    """A file's size, the length of its footer (with postscript), rows, columns with Athena's types, and row groups."""

    size: int
    length: int
    rows: int
    columns: tuple[Column, ...]
    groups: tuple[RowGroup, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "size": self.size,
            "length": self.length,
            "rows": self.rows,
            "columns": [[c.name, c.type] for c in self.columns],
            "groups": [[g.rows, [list(c) for c in g.chunks]] for g in self.groups],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Footer:
        columns = tuple(Column(name, kind) for name, kind in value["columns"])
        groups = tuple(RowGroup(rows, tuple(Chunk(*c) for c in chunks)) for rows, chunks in value["groups"])
        return cls(value["size"], value["length"], value["rows"], columns, groups)


def read(files: Sequence[Object], progress: Callable[[int], None] | None = None) -> list[Footer | None]:
    """The footers of Parquet files, in order; None for a file of 0 bytes, which readers pass over.

    Raises DataError for a footer that cannot be read, and AwsError where S3 refuses.
    """
    known = cache.find(files)
    missing = [f for f in files if f.path not in known and f.size > 0]
    if missing:
        with ThreadPoolExecutor(min(_THREADS, len(missing))) as pool:
            made = list(pool.map(_read, missing))
        for file, footer in zip(missing, made, strict=True):
            known[file.path] = footer.to_json()
        cache.keep(missing, known)
    return [Footer.from_json(known[f.path]) if f.size > 0 else None for f in files]


def _read(file: Object) -> Footer:
    filesystem, path = filesystem_of(file.path)
    try:
        if isinstance(filesystem, fs.LocalFileSystem):
            return summary(pq.read_metadata(path), file.size)
        import pyarrow.dataset as ds  # slow, since it takes pandas along

        # a fragment is told the size, so that S3 is asked once for the end of the file and not for its head first
        fragment = ds.ParquetFileFormat().make_fragment(path, filesystem, file_size=file.size)
        return summary(fragment.metadata, file.size)
    except AgecliError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Object, error: Exception) -> AgecliError:
    refused = error_of(file.path, error)
    if refused is not None:
        return refused
    why = f"{file.path}: {str(error).splitlines()[0]}"
    return DataError("a Parquet footer cannot be read", why, "write the file again, or take it out of the table")


def summary(metadata: pq.FileMetaData, size: int) -> Footer:
    """What a scan needs of a footer."""
    schema = metadata.schema.to_arrow_schema()
    columns, kinds = _columns(schema)
    old = (metadata.created_by or "").startswith("parquet-mr version 1.") and not metadata.created_by.startswith(
        ("parquet-mr version 1.1", "parquet-mr version 1.9")
    )
    groups = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        chunks = tuple(_chunk(group.column(i), kinds, old) for i in range(group.num_columns))
        groups.append(RowGroup(group.num_rows, chunks))
    return Footer(size, metadata.serialized_size + _POSTSCRIPT, metadata.num_rows, columns, tuple(groups))


def _columns(schema: pa.Schema) -> tuple[tuple[Column, ...], dict[str, tuple[str, pa.DataType]]]:
    """The columns that Athena can read, and how the bounds of flat ones are written."""
    columns, kinds = [], {}
    for field in schema:
        kind = from_arrow(field.type)
        columns.append(Column(field.name, "unknown" if kind is None else str(kind)))
        bound = _bound_kind(field.type, kind)
        if bound:
            kinds[field.name] = (bound, field.type)
    return tuple(columns), kinds


def _bound_kind(stored: pa.DataType, kind: Type | None) -> str:
    """The kind of bounds of a column whose statistics readers agree on, or nothing."""
    if kind is None or pa.types.is_unsigned_integer(stored) or pa.types.is_float16(stored):
        return ""
    if pa.types.is_timestamp(stored) and stored.unit not in _OF_A_MILLISECOND:
        return ""
    if kind.name in _WIDE_ENOUGH:
        return "integer"
    if kind.name == "real":
        return "double"
    return kind.name if kind.name in ("boolean", "date", "timestamp", "decimal", "double", "varchar") else ""


def _chunk(column: pq.ColumnChunkMetaData, kinds: dict[str, tuple[str, pa.DataType]], old: bool) -> Chunk:
    leaf = column.path_in_schema
    first, length = column.data_page_offset, column.total_compressed_size
    start, dictionary = first, 0
    if column.has_dictionary_page and column.dictionary_page_offset:
        start = min(first, column.dictionary_page_offset)
        dictionary = first - start or length
    elif any("DICTIONARY" in encoding for encoding in column.encodings):
        dictionary = length  # its offset is not told, so a reader may take the whole chunk to find it
    indexed = bool(column.has_column_index or column.has_offset_index)
    bloom = (column.bloom_filter_length or _UNKNOWN_BLOOM) if column.bloom_filter_offset else 0
    place = (leaf, start, length, dictionary, indexed, bloom)
    if leaf not in kinds or column.statistics is None:
        return Chunk(*place)
    kind, stored = kinds[leaf]
    low, high = (None, None) if old and kind == "varchar" else _bounds(column.statistics, kind, stored)
    nulls = column.statistics.null_count if column.statistics.has_null_count else None
    return Chunk(*place, kind, low, high, nulls)


_UNKNOWN_BLOOM = 1 << 20  # a Bloom filter of unknown length counts as the usual most


def _bounds(statistics: pq.Statistics, kind: str, stored: pa.DataType) -> tuple[Any, Any]:
    if not statistics.has_min_max:
        return None, None
    try:
        if kind == "timestamp":
            low, high = _moments(statistics, stored.unit)
        else:
            low, high = _plain(statistics.min, kind, stored), _plain(statistics.max, kind, stored)
    except (ValueError, TypeError, OverflowError, UnicodeDecodeError, pa.ArrowException):
        return None, None
    return (None, None) if low is None or high is None or low > high else (low, high)


def _moments(statistics: pq.Statistics, unit: str) -> tuple[int | None, int | None]:
    """Bounds in microseconds, of whole milliseconds, to which a reader of Hive's timestamps rounds finer values."""
    if statistics.physical_type != "INT64":
        return None, None
    low, high = statistics.min_raw, statistics.max_raw
    step = _OF_A_MILLISECOND[unit]
    return low // step * 1000, -(-high // step) * 1000


def _plain(value: Any, kind: str, stored: pa.DataType) -> Any:
    """A bound as JSON can hold it, in the order of the column: days, whole numbers of the last digit."""
    if kind == "date":
        return (value - _EPOCH).days
    if kind == "decimal":
        return int(Decimal(value).scaleb(stored.scale))
    if kind == "double":
        return None if math.isnan(value) or math.isinf(value) else float(value)
    if kind == "varchar":
        return value if isinstance(value, str) else None
    return int(value)


def columns_of(footers: Iterable[Footer | None]) -> tuple[Column, ...]:
    """The columns of the first file that has any."""
    return next((f.columns for f in footers if f is not None), ())
