"""Tables as DuckDB reads them: Parquet, CSV and JSON Lines files behind the columns that a recipe declares."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from agecli.engines.arrow_types import from_arrow
from agecli.engines.base import Column, Table
from agecli.engines.dialect.scope import Source
from agecli.engines.dialect.types import VARCHAR, Type, coerces, duckdb_type, parse_type, quote_name, quote_text
from agecli.engines.files import partitions
from agecli.engines.json_lines import open_bytes, open_text
from agecli.errors import DataError

_MOST_FOOTERS = 1024
_SIZED_UP = 8  # files: row groups are of one size for all that one writer wrote
_FILE = "agecli file"  # the column in which DuckDB names the file of each row
_NUMBER = "file_row_number"  # the column in which DuckDB counts the rows of each file
_OBJECT = 1 << 24  # longest JSON line, in bytes: DuckDB sets aside a buffer of twice that for each thread


def source(table: Table) -> Source:
    """The table for the translator. Reads footers and header lines only, and raises DataError for what does not fit."""
    if not table.files:
        raise DataError("the table has no files", "nothing matches the source", "check the path of the source")
    if table.format == "parquet":
        return _parquet(table)
    return _csv(table) if table.format == "csv" else _json_lines(table)


def quoted_list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(quote_text(t) for t in texts) + "]"


@dataclass(frozen=True)
class Footer:
    """What is asked of a Parquet file's footer most often. The whole is large: one of 200 row groups takes 5 MB."""

    rows: int
    schema: pa.Schema


def footer(path: str) -> Footer:
    """A Parquet file's footer, read once while the file is the same. DataError naming it where it cannot be read."""
    return _footer(path, next(stamps([Table((path,))])))


@lru_cache(_MOST_FOOTERS)
def _footer(path: str, stamp: tuple[int, int] | None) -> Footer:
    with _opened(path) as file:
        return Footer(file.metadata.num_rows, file.schema_arrow)


@contextmanager
def _opened(path: str) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except FileNotFoundError:
        raise DataError("a data file is missing", f"{path} is not there", "check the path of the source") from None
    except (pa.ArrowException, OSError) as error:
        why = f"{path}: {str(error).splitlines()[0]}"
        raise DataError("a Parquet file cannot be read", why, "write the file again; it may be truncated") from None


def largest_row_group(table: Table) -> int:
    """Bytes of the largest row group in the largest files of a Parquet table, packed; 0 for text."""
    if table.format != "parquet":
        return 0
    sizes = [stamp[1] if stamp is not None else 0 for stamp in stamps([table])]  # what is gone is told of below
    largest = sorted(zip(sizes, table.files, strict=True))[-_SIZED_UP:]
    return max((_largest(path) for _, path in largest), default=0)


def _largest(path: str) -> int:
    with _opened(path) as file:
        groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        return max((sum(g.column(i).total_compressed_size for i in range(g.num_columns)) for g in groups), default=0)


def stamps(tables: Iterable[Table]) -> Iterator[tuple[int, int] | None]:
    """What shows of each file whether it is another one now."""
    for path in (path for table in tables for path in table.files):
        try:
            found = Path(path).stat()
        except OSError:
            yield None
        else:
            yield found.st_mtime_ns, found.st_size


def damaged(tables: Iterable[Table]) -> DataError | None:
    """The first file of these tables that cannot be read, and why. It reads them all: ask after a failure. Of parts
    of a table nothing is said."""
    tables = tuple(table for table in tables if table.rows is None)
    for path in (f for table in tables if table.format == "csv" for f in table.files):
        line = mixed_ends(path)
        if line:
            why = f"{path}: line {line} ends in another way than the first (CR LF against LF)"
            return DataError("a CSV file mixes the ends of its lines", why, "write it with one kind, as dos2unix does")
    for path in (f for table in tables if table.format == "parquet" for f in table.files):
        try:
            with pq.ParquetFile(path) as file:
                for _ in file.iter_batches():
                    pass
        except (pa.ArrowException, OSError) as error:
            why = f"{path}: {str(error).splitlines()[0]}"
            return DataError("a Parquet file is damaged", why, "copy it again, or take it out of the source")
    return None


def mixed_ends(path: str) -> int | None:
    """The number of the first line that ends in CR LF where the first one ends in LF, or the other way round."""
    first: bool | None = None
    open_quote = False
    with open_bytes(path) as lines:
        for number, line in enumerate(lines, 1):
            open_quote ^= bool(line.count(b'"') & 1)
            if open_quote or not line.endswith(b"\n"):
                continue
            carriage = line.endswith(b"\r\n")
            if first is None:
                first = carriage
            elif carriage != first:
                return number
    return None


def quoted_files(files: Sequence[str]) -> str:
    """File names as DuckDB's list of patterns: a name's own brackets, stars and question marks mean themselves."""
    return quoted_list([re.sub(r"[\[*?]", r"[\g<0>]", name) for name in files])


@dataclass(frozen=True)
class Plain:
    """Parquet files of one schema whose columns, named here in the order of the table's, are read as they lie there."""

    table: Table
    schema: pa.Schema
    fields: tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    """A declared column and the SQL that reads it."""

    name: str
    type: Type
    sql: str
    field: str = ""  # the column of the files


def _parquet(table: Table) -> Source:
    footers = [footer(f) for f in table.files]
    schemas = [found.schema for found in footers]
    folders = _partitions(table)
    declared = table.columns or _all_columns(schemas[0], folders)
    reads = [_parquet_column(c, table.files, schemas, folders) for c in declared]
    differ = any(not s.equals(schemas[0]) for s in schemas[1:])
    options = ["hive_partitioning=false"] + ["union_by_name=true"] * differ
    options += [f"filename={quote_text(_FILE)}"] * bool(folders or (differ and table.rows))
    scans = []
    for files, condition in [(table.files, "")] if table.rows is None else _pieces(table, footers):
        conditions = [condition] * bool(condition)
        if differ and table.rows is not None:  # all files, since they decide on types together
            conditions.append(f"{quote_name(_FILE)} IN ({', '.join(map(quote_text, files))})")
            files = table.files
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        scans.append(f"read_parquet({quoted_files(files)}, {', '.join(options)}){where}")
    found = _selected(reads, *scans)
    plain = not differ and not folders and all(r.sql == quote_name(r.field) for r in reads)
    return replace(found, plain=Plain(table, schemas[0], tuple(r.field for r in reads))) if plain and reads else found


def _pieces(table: Table, footers: Sequence[Footer]) -> list[tuple[tuple[str, ...], str]]:
    """The files in which a part of a table lies, those that are read as a whole together, and the condition for each:
    the engine skips the row groups that it leaves out."""
    if any(name.lower() == _NUMBER for found in footers for name in found.schema.names):
        raise DataError("the source cannot be read in parts", f"it has a column {_NUMBER}", "rename it")
    assert table.rows is not None
    pieces: list[tuple[tuple[str, ...], str]] = []
    start = 0
    for file, found in zip(table.files, footers, strict=True):
        first, last = max(table.rows[0] - start, 0), min(table.rows[1] - start, found.rows)
        start += found.rows
        if first >= last:
            continue
        if last - first < found.rows:
            pieces.append(((file,), f"{_NUMBER} >= {first} AND {_NUMBER} < {last}"))
        elif pieces and not pieces[-1][1]:
            pieces[-1] = ((*pieces[-1][0], file), "")
        else:
            pieces.append(((file,), ""))
    return pieces


def _partitions(table: Table) -> dict[str, str]:
    """The table's partition columns, in lower case, each with the SQL that reads its value from a file's name."""
    found = [{name.lower(): name for name in partitions(file, table.root)} for file in table.files]
    for file, there in zip(table.files, found, strict=True):
        missing = found[0].keys() ^ there.keys()
        if missing:
            raise DataError(
                "the source's folders differ",
                f"{'=, '.join(sorted(missing))}= is not above every file, such as {file}",
                "put all files into folders of the same partitions, or name one folder of them",
            )
    return {lower: _folder_value(name, table.root) for lower, name in found[0].items()}


def _folder_value(name: str, root: str) -> str:
    below = f"substr({quote_name(_FILE)}, {len(root) + 1})"
    value = f"regexp_extract({below}, {quote_text(f'.*(?:^|/)(?i:{re.escape(name)})=([^/]*)/')}, 1)"
    return f"nullif(url_decode({value}), '__HIVE_DEFAULT_PARTITION__')"


def _selected(reads: Sequence[_Read], *scans: str) -> Source:
    listed = ", ".join(f"{r.sql} AS {quote_name(r.name)}" for r in reads)
    selects = [f"SELECT {listed} FROM {scan}" for scan in scans]
    return Source(tuple((r.name, r.type) for r in reads), f"({' UNION ALL '.join(selects)})")


def _all_columns(schema: pa.Schema, folders: dict[str, str]) -> tuple[Column, ...]:
    found = []
    for field in schema:
        kind = from_arrow(field.type)
        if kind is not None:
            found.append(Column(field.name, str(kind)))
    names = {c.name.lower() for c in found}
    return (*found, *(Column(p, "varchar") for p in folders if p not in names))


def _parquet_column(
    column: Column, files: Sequence[str], schemas: Sequence[pa.Schema], folders: dict[str, str]
) -> _Read:
    wanted = parse_type(column.type)
    fields = [_field(s, column.name) for s in schemas]
    if all(f is None for f in fields) and column.name.lower() in folders:
        return _Read(column.name, wanted, f"CAST({folders[column.name.lower()]} AS {duckdb_type(wanted)})")
    for path, schema, field in zip(files, schemas, fields, strict=True):
        if field is None:
            there = ", ".join(schema.names[:30])
            raise DataError("a column is missing", f"{path} has no column {column.name}; it has {there}",
                            "correct the source, or the columns in recipe.toml")  # fmt: skip
        if not _reads_as(field.type, wanted):
            kind = from_arrow(field.type) or field.type
            raise DataError("a column has another type", f"{path}: {column.name} is {kind}, not {wanted}",
                            "correct the source, or the type in recipe.toml")  # fmt: skip
    first = fields[0]
    assert first is not None
    if wanted.name == "varchar" and any(f is not None and _is_binary(f.type) for f in fields):
        return _Read(column.name, wanted, _decoded(column.name, [f for f in fields if f is not None]), first.name)
    same = all(f is not None and _stands_for(f.type, wanted) for f in fields)
    name = quote_name(first.name)
    if any(f is not None and pa.types.is_timestamp(f.type) and f.type.tz and f.type.unit == "ns" for f in fields):
        name = f"CAST({name} AS TIMESTAMPTZ)"  # DuckDB has no way straight from nanoseconds with a zone
    return _Read(column.name, wanted, name if same else f"CAST({name} AS {duckdb_type(wanted)})", first.name)


def _decoded(name: str, fields: Sequence[pa.Field]) -> str:
    """The texts of a column that a file has as bytes, as writers did that knew no texts."""
    if not all(_is_binary(field.type) for field in fields):
        why = f"{name} is varbinary in some and varchar in others"
        raise DataError("the files differ in a column's type", why, "write them alike")
    return f"decode({quote_name(fields[0].name)})"


def _is_binary(kind: pa.DataType) -> bool:
    found = from_arrow(kind)
    return found is not None and found.name == "varbinary"


def _field(schema: pa.Schema, name: str) -> pa.Field | None:
    hits = [f for f in schema if f.name.lower() == name.lower()]
    return next((f for f in hits if f.name == name), hits[0]) if hits else None


def _reads_as(kind: pa.DataType, wanted: Type) -> bool:
    found = from_arrow(kind)
    if found is None:
        return False
    if found.name == wanted.name == "timestamp" or (found.name == "varbinary" and wanted.name == "varchar"):
        return True
    return coerces(found, wanted)


def _stands_for(kind: pa.DataType, wanted: Type) -> bool:
    """Whether DuckDB reads this Arrow type as just the type that stands for `wanted`, so that no cast is needed."""
    found = from_arrow(kind)
    unsigned = pa.types.is_unsigned_integer(kind)
    zoned = pa.types.is_timestamp(kind) and (kind.tz is not None or kind.unit != "us")
    nested = wanted.args and kind != kind  # nested types that are equal need no cast either
    return found is not None and not unsigned and not zoned and not nested and duckdb_type(found) == duckdb_type(wanted)


def csv_header(path: str, delimiter: str = ",") -> list[str]:
    """Names in the first line of a CSV file. Raises DataError for a file without one."""
    try:
        with open_text(path) as lines:
            names = next(csv.reader(lines, delimiter=delimiter), None)
    except FileNotFoundError:
        raise DataError("a data file is missing", f"{path} is not there", "check the path of the source") from None
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise DataError("a CSV file cannot be read", f"{path}: {error}", "save it as UTF-8 text") from None
    if any("\n" in name or "\r" in name for name in names or ()):
        why = f"{path}: a column's name holds a line break"
        raise DataError("a CSV file cannot be read", why, "write the names of the columns in one line")
    if not names:
        raise DataError("a CSV file is empty", f"{path} has no header line", "add the names of its columns")
    return names


def _csv(table: Table) -> Source:
    headers = [csv_header(f, table.csv_delimiter) for f in table.files]
    folders = _partitions(table)
    known = dict.fromkeys(n for h in [*headers, list(folders)] for n in h)
    declared = table.columns or tuple(Column(n, "varchar") for n in known)
    _require(declared, [n.lower() for n in known], known, table.files[0])
    groups: list[tuple[list[str], list[str]]] = []
    for path, header in zip(table.files, headers, strict=True):
        if groups and groups[-1][0] == header:
            groups[-1][1].append(path)
        else:
            groups.append((header, [path]))
    parts = [_csv_part(declared, header, files, table.csv_delimiter, folders) for header, files in groups]
    columns = tuple((c.name, VARCHAR) for c in declared)
    return Source(columns, "(" + " UNION ALL ".join(parts) + ")")


def _require(declared: Sequence[Column], names: Sequence[str], shown: object, path: str) -> None:
    for column in declared:
        if column.name.lower() not in names:
            there = ", ".join(list(shown)[:30]) if isinstance(shown, dict) else ""
            raise DataError("a column is missing", f"{path} has no column {column.name}; it has {there}",
                            "correct the source, or the columns in recipe.toml")  # fmt: skip


def _csv_part(
    declared: Sequence[Column], header: list[str], files: list[str], delimiter: str, folders: dict[str, str]
) -> str:
    """One read of files that have the same header; columns that they lack are NULL."""
    names = [f"k{i}" for i in range(len(header))]
    columns = "{" + ", ".join(f"'{n}': 'VARCHAR'" for n in names) + "}"
    where = folders | {name.lower(): key for name, key in reversed(list(zip(header, names, strict=True)))}
    listed = ", ".join(
        f"{where.get(c.name.lower(), 'CAST(NULL AS VARCHAR)')} AS {quote_name(c.name)}" for c in declared
    )
    options = (
        f"auto_detect=false, header=true, columns={columns}, delim={quote_text(delimiter)}, quote='\"', escape='\"', "
        f"force_not_null={quoted_list(names)}, max_line_size={_OBJECT}, buffer_size={_OBJECT * 2}, "
        f"hive_partitioning=false" + f", filename={quote_text(_FILE)}" * bool(folders)
    )
    return f"SELECT {listed} FROM read_csv({quoted_files(files)}, {options})"


def _json_lines(table: Table) -> Source:
    from agecli.engines.json_lines import keys

    names = keys(table.files[:8])
    folders = {name: sql for name, sql in _partitions(table).items() if name not in {n.lower() for n in names}}
    by_lower = {n.lower(): n for n in reversed(names)}
    declared = table.columns or tuple(Column(n, "varchar") for n in [*folders, *by_lower.values()])[::-1]
    inside = {c.name: by_lower.get(c.name.lower(), c.name) for c in declared if c.name.lower() not in folders}
    reads = [
        _Read(c.name, VARCHAR, quote_name(inside[c.name]) if c.name in inside else folders[c.name.lower()])
        for c in declared
    ]
    columns = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in inside.values())
    options = (
        f"format='newline_delimited', columns={{{columns}}}, maximum_object_size={_OBJECT}, "
        f"hive_partitioning=false" + f", filename={quote_text(_FILE)}" * bool(folders)
    )
    return _selected(reads, f"read_json({quoted_files(table.files)}, {options})")
