"""Draws the rows that a proposal looks at: at most 200,000 and at most some 256 MB, spread over the source.

Up to that size every row is looked at. Of larger Parquet, slices of row groups all over the files are read, of
larger CSV and JSON Lines a random sample, and beyond a gigabyte the first rows of files all over the source. So
memory is bounded, and time too. The sample is one Parquet file with the source's own types; CSV and JSON Lines
are text there, as they are for every engine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from agecli.engines import tables
from agecli.engines.base import Column, Table
from agecli.engines.files import partitions
from agecli.errors import DataError
from agecli.scaffold.names import literal
from agecli.scaffold.readings import LABEL_MISSING
from agecli.scaffold.sources import Found

ROWS = 200_000
_BYTES = 256 << 20
_ALL_OF_IT = 1 << 30
_SLICES = 40
_ENOUGH_LABELS = 1_000
_MOST_COLUMNS = 2_000


@dataclass(frozen=True)
class Sample:
    """`whole` says that every row of the source is in it; `how` says for people what was looked at."""

    found: Found
    file: Path
    rows: int
    whole: bool
    how: str


def draw(found: Found, label: str, scratch: Path) -> Sample:
    """Writes the sample below `scratch`. A source whose labels are rare gets more labelled rows on top.

    Raises DataError where the files cannot be read or hold no rows.
    """
    with connect(scratch) as connection:
        try:
            if found.format == "jsonl":
                found = _with_keys(connection, found)
            sample = _draw(connection, found, scratch)
            if not sample.whole and label in found.columns:
                sample = _more_labels(connection, sample, label, scratch)
        except duckdb.Error as error:
            raise _unreadable(found, error) from None
    if not sample.rows:
        raise DataError(f"the source {found.path} has no rows", "only a header is there", "give a source that has rows")
    return sample


def connect(scratch: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own that spills to `scratch` instead of growing."""
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '512MB'; SET temp_directory = {literal(str(scratch))}; SET threads = 2")
    connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
    return connection


def identifier(name: str) -> str:
    """A name quoted for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def _unreadable(found: Found, error: duckdb.Error) -> DataError:
    why = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
    fix = "copy it again, or take the broken file out"
    if found.format == "jsonl":
        fix = "one JSON object a line is wanted: jq -c '.[]' file.json > file.jsonl turns an array into that"
    elif found.format == "csv":
        fix = "correct the line, or write the file again with quotes around cells that hold the delimiter"
    return DataError(f"cannot read {found.path}", why, fix)


def reader(found: Found, files: tuple[str, ...] | None = None, root: Path | None = None) -> str:
    """DuckDB's subquery over these files, the very one with which the engine will read them."""
    known = {name: word for name, word in found.columns.items() if word is not None}
    if files and found.format == "csv":  # a file alone may lack columns that others have
        there = {name for file in files for name in tables.csv_header(file, found.delimiter)} | {*found.partitions}
        known = {name: word for name, word in known.items() if name in there}
    columns = tuple(Column(name, word) for name, word in known.items())
    folder = found.root if root is None else str(root)
    return tables.source(Table(files or found.files, found.format, columns, found.delimiter, folder)).sql


def shown_reader(found: Found) -> str:
    """The shortest DuckDB call that reads the source, to be shown to people."""
    call = {"parquet": "read_parquet", "csv": "read_csv", "jsonl": "read_json"}[found.format]
    return f"{call}({literal(found.path)})"


def _with_keys(connection: duckdb.DuckDBPyConnection, found: Found) -> Found:
    """The keys of the first 100,000 objects of every file, in the order in which they come."""
    columns: dict[str, str | None] = {}
    for file in _spread(found.files, _SLICES):
        rows = connection.execute(
            "SELECT key, min(line) FROM (SELECT unnest(json_keys(json)) AS key, line FROM (SELECT json,"
            " row_number() OVER () AS line FROM (SELECT json FROM"
            f" read_ndjson_objects({literal(file)}) LIMIT 100000))) GROUP BY key"
        ).fetchall()
        for key, _ in sorted(rows, key=lambda row: row[1]):
            columns[key] = "varchar"
    if not columns:
        raise DataError(f"the source {found.path} has no columns", "no line holds a JSON object with keys",
                        "one JSON object a line is wanted")  # fmt: skip
    if len(columns) > _MOST_COLUMNS:
        raise DataError(f"the source {found.path} has {len(columns)} keys", "keys seem to be data here",
                        "write the varying keys as an array of objects")  # fmt: skip
    return replace(found, columns=columns | found.columns)


def _draw(connection: duckdb.DuckDBPyConnection, found: Found, scratch: Path) -> Sample:
    file = scratch / "sample.parquet"
    if found.format == "parquet":
        total, size = _footers(found)
        budget = max(1_000, min(ROWS, int(_BYTES / max(1, size / max(total, 1)))))
        if total > budget:
            source, how = _slices(found, total, budget, scratch), f"slices of row groups all over {total:,} rows"
        else:
            source, how = reader(found), "all rows"
        rows = _copy(connection, found, f"SELECT * FROM {source}", file)
        return Sample(found, file, rows, total <= budget, f"{rows:,} rows: {how}")
    budget = max(1_000, min(ROWS, int(_BYTES / _row_bytes(connection, found))))
    packed = 6 if found.files[0].lower().endswith(".gz") else 1
    if found.bytes * packed > _ALL_OF_IT:
        files = _spread(found.files, _SLICES)
        parts = [f"(SELECT * FROM {reader(found, (name,))} LIMIT {budget // len(files) + 1})" for name in files]
        rows = _copy(connection, found, " UNION ALL BY NAME ".join(parts), file)
        return Sample(found, file, rows, False, f"{rows:,} rows: the first ones of {len(files)} files")
    query = f"SELECT * FROM {reader(found)}"
    (total,) = connection.execute(f"SELECT count(*) FROM {reader(found)}").fetchall()[0]
    if total > budget:
        query += f" USING SAMPLE reservoir({budget} ROWS) REPEATABLE (42)"
    rows = _copy(connection, found, query, file)
    how = "all rows" if total <= budget else f"drawn at random from {total:,} rows"
    return Sample(found, file, rows, total <= budget, f"{rows:,} rows: {how}")


def _copy(connection: duckdb.DuckDBPyConnection, found: Found, query: str, file: Path) -> int:
    """Writes the readable columns of a query as Parquet and counts the rows."""
    wanted = ", ".join(identifier(name) for name, word in found.columns.items() if word is not None)
    connection.execute(f"COPY (SELECT {wanted} FROM ({query})) TO {literal(str(file))} (FORMAT parquet)")
    return int(pq.read_metadata(file).num_rows)


def _row_bytes(connection: duckdb.DuckDBPyConnection, found: Found) -> float:
    """Bytes of text in a row, by the first thousand."""
    first = reader(found)
    (total, rows) = connection.execute(
        f"SELECT sum(length(row_text::VARCHAR)), count(*) FROM (SELECT t AS row_text FROM {first} AS t LIMIT 1000)"
    ).fetchall()[0]
    return float(total or 1) / max(1, int(rows))


def _footers(found: Found) -> tuple[int, int]:
    """Rows and uncompressed bytes of all files, from their footers."""
    rows = size = 0
    for name in found.files:
        try:
            footer = pq.read_metadata(name)
        except (pa.ArrowException, OSError) as error:
            why = str(error).splitlines()[0]
            raise DataError(f"cannot read {name}", f"it is no Parquet file or was cut short ({why})",
                            "copy it again, or take it out") from None  # fmt: skip
        rows += footer.num_rows
        size += sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))
    return rows, size


def _spread(items: tuple[str, ...], most: int) -> tuple[str, ...]:
    """At most so many of the items, evenly spread, the first always among them."""
    if len(items) <= most:
        return items
    return tuple(items[round(i * (len(items) - 1) / (most - 1))] for i in range(most))


def _slices(found: Found, total: int, budget: int, scratch: Path) -> str:
    """Copies the beginnings of row groups spread over the files and gives the table function that reads them."""
    copies: list[str] = []
    files = _spread(found.files, _SLICES)
    per_file = max(1, _SLICES // len(files))
    for number, name in enumerate(files):
        with pq.ParquetFile(name, pre_buffer=False) as file:
            groups = _spread(tuple(str(i) for i in range(file.num_row_groups)), per_file)
            for group in groups:
                folder = scratch / "slices" / _hive_part(found, name) / f"{number:05d}-{group}.parquet"
                folder.parent.mkdir(parents=True, exist_ok=True)
                rows = budget // (len(files) * len(groups)) + 1
                batches = file.iter_batches(batch_size=rows, row_groups=[int(group)])
                first = next(batches, None)
                if first is not None:
                    pq.write_table(pa.Table.from_batches([first]), folder)
                    copies.append(str(folder))
    return reader(found, tuple(copies), scratch / "slices")


def _hive_part(found: Found, name: str) -> str:
    return "/".join(f"{key}={value}" for key, value in partitions(name, found.root).items())


def is_known(found: Found, label: str) -> str:
    """DuckDB's condition for rows that have a label; text is blank or says so where there is none."""
    column = identifier(label)
    if found.columns[label] != "varchar":
        return f"{column} IS NOT NULL"
    listed = ", ".join(literal(word) for word in ("", *LABEL_MISSING))
    return f"coalesce(lower(trim({column})), '') NOT IN ({listed})"


def _more_labels(connection: duckdb.DuckDBPyConnection, sample: Sample, label: str, scratch: Path) -> Sample:
    """Adds labelled rows where the sample has few, since all that is learned rests on them."""
    known = is_known(sample.found, label)
    drawn = f"read_parquet({literal(str(sample.file))})"
    (labels,) = connection.execute(f"SELECT count(*) FROM {drawn} WHERE {known}").fetchall()[0]
    if labels >= _ENOUGH_LABELS:
        return sample
    file = scratch / "with_labels.parquet"
    more = f"SELECT * FROM {reader(sample.found)} WHERE {known} LIMIT {20 * _ENOUGH_LABELS}"
    both = f"(SELECT * FROM {drawn} WHERE NOT ({known})) UNION ALL BY NAME ({more})"
    rows = _copy(connection, sample.found, both, file)
    return replace(
        sample, file=file, rows=rows, how=sample.how + f", and {rows - sample.rows + labels:,} labelled ones"
    )
