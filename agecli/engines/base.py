"""What every SQL engine does for the pipeline, and the words for the tables that pass through it.

SQL is always written in Athena's dialect. Types are named as Athena names them (`varchar`, `bigint`,
`array(varchar)`, `row(a integer)`), whatever the engine behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from agecli.engines.tally import Tally

# Raised when SQL of the dialect gives other values than before: all that was made with it is then made again.
DIALECT = 3

Format = Literal["parquet", "csv", "jsonl"]


@dataclass(frozen=True)
class Column:
    """A column and its type in Athena's words."""

    name: str
    type: str


@dataclass(frozen=True)
class Table:
    """Files that together are one table.

    `columns` are what a query may see, in order, each read as the type it names: a Parquet column of another
    type that widens to it (int32 for bigint) is cast, any other is an error. Every column of CSV and JSON Lines
    is read as text. Partition columns of Hive-style folders (`year=2024/`) below `root` are listed here like any
    other; without a root there are none. An empty `columns` takes whatever the files hold.

    `rows` are those of Parquet files, counted through all of them in order, from the first number to before the
    last: of a part of a table, whose columns are those of the whole.
    """

    files: tuple[str, ...]
    format: Format = "parquet"
    columns: tuple[Column, ...] = ()
    csv_delimiter: str = ","
    root: str = ""
    rows: tuple[int, int] | None = None


@dataclass(frozen=True)
class View:
    """A SELECT that stands for a table: its rows are computed where a query reads them, and kept nowhere.

    `tables` are those that it names. A column is what reading it back from a file would give. `tally`, where there is
    one, counts the rows as they pass.
    """

    sql: str
    tables: tuple[tuple[str, Table], ...]
    tally: Tally | None = None


Relation = Table | View


@dataclass(frozen=True)
class Written:
    """What a CREATE TABLE AS left behind: data files (names inside the location, in order) and their rows.

    `nulls` has how many values of each column are NULL; `infinite` are the columns of floats with infinite values;
    `by_engine` says why the embedded engine computed the rows and not compiled code, which is faster ("": it did not).
    """

    files: tuple[str, ...]
    rows: int
    columns: tuple[Column, ...] = field(default=())
    nulls: Mapping[str, int] = field(default_factory=dict)
    infinite: frozenset[str] = frozenset()
    by_engine: str = ""


@dataclass(frozen=True)
class Layout:
    """How a table lies in its files; its rows are the same. `distinct` are columns whose values hardly repeat, so that
    no dictionary is tried; a new file begins after `file_groups` row groups (None: all is one file). A `quick` table is
    one that this program will read as a whole: it costs less to write and to read, and its footers have no least and
    greatest values, which among rows in no order let no reader skip any. The names of the files count
    from `first_file`."""

    distinct: tuple[str, ...] = ()
    file_groups: int | None = None
    quick: bool = False
    first_file: int = 0


class Engine(Protocol):
    """Runs a recipe's SQL. `tables` maps each name that the SQL mentions to the files or the SELECT behind it.

    All of them raise `SqlRefused` for SQL that is not known to mean the same on every engine, `SqlInvalid` for
    SQL that does not parse or names what is not there, `SqlFailed` for SQL that fails on the data, and
    `DataError` for files that cannot be read.
    """

    def create(
        self,
        sql: str,
        tables: Mapping[str, Relation],
        location: Path,
        row_group_rows: int | None = None,
        progress: Callable[[int], None] | None = None,
        layout: Layout | None = None,
    ) -> Written:
        """Writes the rows of a SELECT as Parquet below `location`, an empty folder, in the SELECT's order.

        `progress` hears, now and then, how many rows are written.
        """
        ...

    def read(self, sql: str, tables: Mapping[str, Relation]) -> Iterator[pa.RecordBatch]:
        """Streams the rows of a SELECT; memory does not grow with rows."""
        ...

    def describe(self, sql: str, tables: Mapping[str, Relation]) -> tuple[Column, ...]:
        """The columns and types of a SELECT, without running it."""
        ...

    def count(self, table: Table) -> int:
        """Rows of a table, from Parquet footers where there are some."""
        ...

    def check_created(self, sql: str, tables: Mapping[str, Relation]) -> None:
        """Raises what `create` would raise before it runs anything."""
        ...

    def why_stored(self, sql: str, tables: Mapping[str, Relation], name: str) -> str:
        """Why this SELECT cannot read the view of that name in place of a stored table; "" where it can."""
        ...

    def by_row(self, sql: str, tables: Mapping[str, Relation]) -> bool:
        """Whether each row comes of one row alone, so that parts of a table give the parts of the SELECT's rows."""
        ...
