"""How many bytes a query will scan, from Parquet footers and sizes of files alone: nothing is run.

    Scan        one query: the bytes of all its tables, what is billed, the label, what the figure rests on
    TableScan   one mention of a table in the query (a table named twice is read twice)
    Planned     a table that does not exist yet: the output of a stage that has not run

`bytes.expected` is the best single figure. Labels:

    exact         the reader reads just this (low = expected = high)
    upper bound   no more than `bytes.high`; filters, joins and LIMIT may leave part of it unread
    estimate      a table in it is not there yet, so there is no file to look at
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from agecli.engines.base import Column, Table

Label = Literal["exact", "upper bound", "estimate"]

BILLED_MINIMUM = 10_000_000
BILLED_UNIT = 1_000_000


@dataclass(frozen=True)
class Range:
    """Bytes: the least, the likely, and the most."""

    low: int
    expected: int
    high: int


@dataclass(frozen=True)
class Planned:
    """A table that is not there yet: its columns, rows, and bytes per row of each column as stored in Parquet.

    `basis` says in words what the figures come from.
    """

    columns: tuple[Column, ...]
    rows: int
    column_bytes: Mapping[str, float]
    basis: str

    @property
    def bytes(self) -> int:
        return int(self.rows * sum(self.column_bytes.values()))


@dataclass(frozen=True)
class TableScan:
    """One mention of a table. `columns` are the compressed bytes of the column chunks that are needed, by leaf
    (`address.city`), in the row groups that are read; `total_bytes` is the size of all its files."""

    name: str
    files: int
    row_groups_read: int
    row_groups: int
    columns: Mapping[str, int]
    bytes: Range
    total_bytes: int
    rows: int
    label: Label
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scan:
    """One query. `billed` is `bytes` rounded up as Athena bills: whole megabytes, at least ten."""

    sql: str
    tables: tuple[TableScan, ...]
    bytes: Range
    billed: Range
    label: Label
    assumptions: tuple[str, ...] = field(default=())


def estimate(sql: str, tables: Mapping[str, Table | Planned]) -> Scan:
    """The bytes that this SELECT scans. `tables` maps each name that it may mention; files may be `s3://` URIs.

    Raises SqlInvalid for SQL that does not parse or names a table or column that is not there, and DataError for a
    footer that cannot be read. SQL that parses elsewhere but not here is bounded by the full size of its tables.
    """
    raise NotImplementedError


def planned(sql: str, tables: Mapping[str, Table | Planned], rows: int | None = None) -> Planned:
    """The table that this SELECT would write: `rows` of it, or as many as its largest input has."""
    raise NotImplementedError


def table_at(location: str, columns: tuple[Column, ...] = ()) -> Table:
    """The table of all data files below a folder, a file, a glob or an `s3://bucket/prefix`, its format by name.

    Raises ConfigError where nothing is there, AwsError where S3 refuses.
    """
    raise NotImplementedError
