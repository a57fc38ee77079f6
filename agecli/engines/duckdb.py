"""The embedded engine: DuckDB running SQL that means what it means on Athena.

SQL is translated by `dialect` (what is not known to mean the same is refused there), the macros and functions that
it needs are installed, and results leave as Arrow with the exact types of the SELECT.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from agecli.engines import tables as scans
from agecli.engines import views
from agecli.engines.arrow_types import to_arrow
from agecli.engines.base import Column, Layout, Relation, Table, View, Written
from agecli.engines.dialect import Translation, translate
from agecli.engines.dialect.registry import FAILED, REFUSED, Macro, Udf, needed
from agecli.engines.dialect.rows import RowPlan
from agecli.engines.dialect.scope import Source
from agecli.engines.dialect.types import quote_text
from agecli.engines.parquet_writer import Writer
from agecli.engines.plain_rows import by_row, swapped
from agecli.engines.runtime.compiled import enabled
from agecli.errors import AgecliError, DataError, SqlFailed, SqlInvalid, SqlRefused

_ROW_GROUP_ROWS = 122_880
_BATCH_ROWS = 65_536
_SEPARATOR = "\x1f"  # between texts; those that have it, or a zero, which no literal has, go another way


@dataclass(frozen=True)
class _Opened:
    """A view: its SELECT, what stands for it in others, and why a stored table is to be preferred, if it is."""

    translation: Translation
    source: Source
    why: str


_TRANSLATIONS: dict[Any, Translation] = {}  # of this process: each stage opens an engine, and reads the same SQL
_MOST_KEPT = 100


class DuckDBEngine:
    """An engine in this process. Its memory is bounded by `memory_mb`; more than that spills to `temp_directory`."""

    def __init__(
        self, threads: int | None = None, memory_mb: int | None = None, temp_directory: str | Path | None = None
    ) -> None:
        self._spill = str(temp_directory or _spill_folder())
        settings: dict[str, Any] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": self._spill,
            "preserve_insertion_order": True,
            # where statistics say that a column has no NULL, (a + a) IS NULL would be false and the sum not computed:
            # whether there is an error would depend on what else is in the file
            # and IN with more than a few constants would be a join, of which rows come in any order
            "disabled_optimizers": "statistics_propagation,in_clause",
        }
        if threads is not None:
            settings["threads"] = threads
        if memory_mb is not None:
            settings["memory_limit"] = f"{memory_mb}MB"
        self._settings = settings
        self._own: dict[str, Udf] = {}
        self._installed: set[str] = set()
        self._views: dict[View, _Opened] = {}
        self._translations: dict[Any, Translation] = {}
        self._lock = threading.Lock()

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        """DuckDB, which is opened when it has something to run: much is translated only."""
        opened = duckdb.connect(":memory:", config=self._settings)
        # files are read once: to keep what was read of them costs more than it ever saves
        opened.execute("SET TimeZone='UTC'; SET ieee_floating_point_ops=true; SET enable_external_file_cache=false")
        return opened

    def query(self, sql: str, tables: Mapping[str, Relation] | None = None) -> pa.Table:
        """All rows of a SELECT as one Arrow table."""
        translation = self.translate(sql, tables or {})
        schema = result_schema(translation)
        with self._running(translation.sql) as cursor:
            found = cursor.sql(translation.sql).to_arrow_table()
        return _typed(found, schema)

    def read(self, sql: str, tables: Mapping[str, Relation]) -> Iterator[pa.RecordBatch]:
        """Streams the rows of a SELECT; memory does not grow with rows."""
        translation = self.translate(sql, tables)
        return self._stream(translation.sql, result_schema(translation))

    def create(
        self,
        sql: str,
        tables: Mapping[str, Relation],
        location: Path,
        row_group_rows: int | None = None,
        progress: Callable[[int], None] | None = None,
        layout: Layout | None = None,
    ) -> Written:
        """Writes a SELECT as Parquet below `location`: the same rows in the same order give the same bytes."""
        translation, columns = self._to_be_created(sql, tables)
        if translation.by_order:
            self._connection.execute("SET threads = 1")  # the same answer, however many workers there are
        with _disk_errors(location):
            location.mkdir(parents=True, exist_ok=True)
            try:
                writer = Writer(
                    location, result_schema(translation), row_group_rows or _ROW_GROUP_ROWS, layout or Layout()
                )
                with writer:
                    made = by_row(self, sql, tables, translation, writer.schema)
                    for batch in self._stream(translation.sql, writer.schema) if isinstance(made, str) else made:
                        writer.add(batch)
                        if progress is not None:
                            progress(writer.rows)
            except SqlFailed as error:
                raise scans.damaged(views.files_behind(tables.values())) or error from error
        why = made if isinstance(made, str) else made.given_up
        return Written(tuple(writer.names), writer.rows, columns, writer.nulls, frozenset(writer.infinite), why)

    def check_created(self, sql: str, tables: Mapping[str, Relation]) -> None:
        """Raises what `create` would raise before it runs anything."""
        self._to_be_created(sql, tables)

    def why_stored(self, sql: str, tables: Mapping[str, Relation], name: str) -> str:
        """Why this SELECT cannot read the view of that name in place of a stored table; "" where it can."""
        view = tables[name]
        if not isinstance(view, View):
            return ""
        why = self._view(view).why
        if why:
            return why
        translation = self.translate(sql, tables)
        if (read := translation.read.get(name, 0)) != 1:
            return "it is read more than once" if read else "it is not read at all"
        if isinstance(translation.rows, RowPlan):  # each row comes of one
            return ""
        found = translation.sql
        with self._running(found) as cursor:
            ((_, plan),) = cursor.execute(f"EXPLAIN (FORMAT json) {found}").fetchall()
        return views.why_not_streamed(json.loads(plan))

    def by_row(self, sql: str, tables: Mapping[str, Relation]) -> bool:
        """Whether each row comes of one row alone, so that parts of a table give the parts of the SELECT's rows."""
        return not self.translate(sql, tables).by_order

    def _to_be_created(self, sql: str, tables: Mapping[str, Relation]) -> tuple[Translation, tuple[Column, ...]]:
        translation = self.translate(sql, tables)
        columns = _creatable(translation)
        if translation.volatile:
            named = ", ".join(translation.volatile)
            why = "a table has to come out the same when it is made again"
            raise SqlRefused(f"{named} is refused in a table", why, "use a hash of the id, such as xxhash64")
        return translation, columns

    def describe(self, sql: str, tables: Mapping[str, Relation]) -> tuple[Column, ...]:
        """The columns and types of a SELECT, without running it."""
        if any(isinstance(table, View) for table in tables.values()):  # its columns will do: what is inside is dear
            bare = {name: replace(source, sql=name, inside=None) for name, source in self._sources(tables).items()}
            columns = translate(sql, bare).columns
        else:
            columns = self.translate(sql, tables).columns
        return tuple(Column(name, str(kind)) for name, kind in columns)

    def count(self, table: Table) -> int:
        """Rows of a table, from Parquet footers where there are some."""
        if table.rows is not None:
            return table.rows[1] - table.rows[0]
        if table.format == "parquet":
            return sum(scans.footer(f).rows for f in table.files)
        try:
            return int(self.query("SELECT count(*) AS n FROM t", {"t": table}).column(0)[0].as_py())
        except DataError as error:
            raise scans.damaged([table]) or error from error

    def translate(self, sql: str, tables: Mapping[str, Relation]) -> Translation:
        """The DuckDB SQL for a SELECT over these tables, with its columns; made once while their files are the same."""
        key = sql, tuple(tables.items()), tuple(scans.stamps(views.files_behind(tables.values()))), enabled()
        # of a view the translation names functions that are this engine's own
        own = any(isinstance(table, View) for table in tables.values())
        kept = self._translations if own else _TRANSLATIONS
        found = kept.get(key)
        if found is None:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            found = kept[key] = self._translate(sql, tables)
        return found

    def _translate(self, sql: str, tables: Mapping[str, Relation]) -> Translation:
        behind = [self._view(table) for table in tables.values() if isinstance(table, View)]
        found = translate(sql, self._sources(tables))
        volatile = {*found.volatile, *(word for view in behind for word in view.translation.volatile)}
        by_order = found.by_order or any(view.translation.by_order for view in behind)
        return replace(found, volatile=tuple(sorted(volatile)), by_order=by_order)

    def _sources(self, tables: Mapping[str, Relation]) -> dict[str, Source]:
        return {
            name: self._view(table).source if isinstance(table, View) else scans.source(table)
            for name, table in tables.items()
        }

    def prepared(
        self, sql: str, tables: Mapping[str, Relation], source: Source, stand_in: str, given: pa.Schema
    ) -> Callable[[pa.Table], pa.Table]:
        """A function of rows, of the schema `given`, that gives a SELECT's rows: those over `stand_in`, SQL of a
        relation made of the table `agecli_rows`, in the place of a source."""
        translation = translate(sql, swapped(self._sources(tables), source, stand_in))
        schema = result_schema(translation)
        with self._query_errors():
            self._install(translation.sql)
            cursor = self._connection.cursor()
            cursor.execute("SET TimeZone='UTC'")
            cursor.register("agecli_given", given.empty_table())
            cursor.execute("CREATE TEMP TABLE agecli_rows AS FROM agecli_given")
            cursor.execute(f"PREPARE asked AS {translation.sql}")

        def ask(rows: pa.Table) -> pa.Table:
            with self._query_errors():
                cursor.register("agecli_given", rows)
                cursor.execute("DELETE FROM agecli_rows; INSERT INTO agecli_rows FROM agecli_given")
                return _typed(cursor.sql("EXECUTE asked").to_arrow_table(), schema)

        return ask

    def _view(self, view: View) -> _Opened:
        if view not in self._views:
            translation = self.translate(view.sql, dict(view.tables))
            _creatable(translation)
            name = f"agecli_tally_{len(self._views)}"
            sources = {table: scans.source(files) for table, files in view.tables}
            source, why = views.opened(view, translation, sources, name)
            if view.tally is not None:
                self._own[name] = Udf(name, view.tally.add, ("BIGINT", "UBIGINT"), "BOOLEAN", volatile=True)
            self._views[view] = _Opened(translation, source, why)
        return self._views[view]

    def evaluate(self, sql: str, text: pa.Array) -> pa.Array:
        """DuckDB's SQL for a value, over texts that it calls `x`: one value for each, in their order."""
        with self._running(sql) as cursor:
            cursor.register("texts", pa.table({"x": text}))
            found = cursor.sql(f"SELECT {sql} AS c1 FROM texts").to_arrow_table()
        return found.column(0).combine_chunks()

    def evaluator(self, selected: Sequence[str], source: str) -> Callable[[Sequence[str | None]], list[Any]]:
        """A function of texts that gives a row for each: DuckDB's SQL for several values over a relation.

        The relation is made of `texts`, whose column x has the texts. What is the same each time is done but once.
        """
        query = f"SELECT {', '.join(f'{value} AS c{i}' for i, value in enumerate(selected, 1))} FROM {source}"
        with self._query_errors():
            self._install(query)
            cursor = self._connection.cursor()
            cursor.execute("SET TimeZone='UTC'")
            split = f"string_split(CAST($1 AS VARCHAR), {quote_text(_SEPARATOR)})"
            texts = f"WITH texts AS (SELECT unnest(coalesce({split}, [CAST(NULL AS VARCHAR)])) AS x)"
            cursor.execute(f"PREPARE evaluated AS {texts} {query}")

        def evaluate(texts: Sequence[str | None]) -> list[Any]:
            with self._query_errors():
                if list(texts) == [None]:
                    return cursor.execute("EXECUTE evaluated(NULL)").fetchall()
                if any(text is None or "\0" in text or _SEPARATOR in text for text in texts):
                    cursor.register("texts", pa.table({"x": pa.array(texts, pa.string())}))
                    return cursor.execute(query).fetchall()
                joined = _SEPARATOR.join(text for text in texts if text is not None)
                return cursor.execute(f"EXECUTE evaluated({quote_text(joined)})").fetchall()

        return evaluate

    def close(self) -> None:
        if "_connection" in vars(self):
            self._connection.close()

    def _install(self, sql: str) -> None:
        """Macros and functions that the SQL mentions, once per engine."""
        with self._lock:
            own = [definition for name, definition in self._own.items() if re.search(rf"\b{name}\b", sql)]
            for definition in (*needed(sql), *own):
                if definition.name in self._installed:
                    continue
                if isinstance(definition, Macro):
                    self._connection.execute(f"CREATE OR REPLACE MACRO {definition.name}{definition.definition}")
                else:
                    self._install_function(definition)
                self._installed.add(definition.name)

    def _install_function(self, definition: Udf) -> None:
        create: Any = self._connection.create_function  # its stub knows no functions of Arrow arrays
        create(
            definition.name,
            definition.function,
            list(definition.parameters),
            definition.returns,
            type="arrow",
            null_handling="special",
            side_effects=definition.volatile,
        )

    @contextmanager
    def _running(self, sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._query_errors():
            self._install(sql)
            cursor = self._connection.cursor()
            cursor.execute("SET TimeZone='UTC'")
            try:
                yield cursor
            finally:
                cursor.close()

    @contextmanager
    def _query_errors(self) -> Iterator[None]:
        try:
            yield
        except (
            duckdb.Error,
            pa.ArrowInvalid,
            OSError,
        ) as error:  # a stream of Arrow's tells of any error as an OSError
            raise explained(error, self._spill) from None

    def _stream(self, sql: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        with self._running(sql) as cursor:
            reader = cursor.sql(sql).to_arrow_reader(_BATCH_ROWS)
            for batch in reader:
                if batch.num_rows:
                    yield _typed(pa.Table.from_batches([batch]), schema).combine_chunks().to_batches()[0]


def _spill_folder() -> Path:
    """Where an engine spills that was given no folder: one for each user, since nobody else may write there."""
    user = os.getuid() if hasattr(os, "getuid") else ""
    return Path(tempfile.gettempdir()) / f"agecli-duckdb-{user}"


def result_schema(translation: Translation) -> pa.Schema:
    return pa.schema([pa.field(name, to_arrow(kind)) for name, kind in translation.columns])


def _creatable(translation: Translation) -> tuple[Column, ...]:
    """The columns of a table to be written: named, each once, of a type that a table can have."""
    seen: set[str] = set()
    for name, kind in translation.columns:
        if name.startswith("_col"):
            raise SqlInvalid("a column of the SELECT has no name", f"column {name.removeprefix('_col')} of type {kind}",
                             "name it with AS")  # fmt: skip
        if name.lower() in seen:
            raise SqlInvalid("two columns of the SELECT have one name", name, "name them apart with AS")
        if "unknown" in str(kind) or kind.name.startswith(("interval", "json")):
            raise SqlInvalid("a column of the SELECT has a type that no table has", f"{name} is {kind}", "cast it")
        seen.add(name.lower())
    return tuple(Column(name, str(kind)) for name, kind in translation.columns)


def _typed(found: pa.Table, schema: pa.Schema) -> pa.Table:
    """DuckDB's result as the schema that the SELECT has."""
    if found.schema.equals(schema):
        return found
    columns = [_column(c, f.type) for c, f in zip(found.columns, schema, strict=True)]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_null(kind):
        return pa.chunked_array([pa.nulls(len(values))])
    if pa.types.is_interval(kind):
        months = [None if m is None else pa.MonthDayNano([m, 0, 0]) for m in values.to_pylist()]
        return pa.chunked_array([pa.array(months, kind)])
    return values if values.type.equals(kind) else values.cast(kind)


@contextmanager
def _disk_errors(location: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(str(error), location) from None


def disk_error(message: str, location: Path | str) -> AgecliError:
    if "No space left" in message or "disk full" in message.lower():
        return AgecliError("the disk is full", f"{location} has no room left", "free some space, and run again")
    return AgecliError("the result cannot be written", message, f"check that {location} can be written to")


_STOPPED, _BROKE = "the query stopped on its data", "the query failed on its data"

# What tells of an error: in the SQL, of an exception in a function of it, and of another query that a function asks
_REFUSING = (REFUSED, "GuardError: ", f"SqlRefused: {_STOPPED}: ")
_FAILING = (FAILED, "TrinoError: ", f"SqlFailed: {_BROKE}: ")


def explained(error: Exception, spill: str = "") -> AgecliError:
    """What an error of DuckDB means to the user; `spill` is the folder that it spills to."""
    text = str(error)
    for mark in _REFUSING:
        if mark in text:
            return SqlRefused(_STOPPED, _after(text, mark),
                              "filter or clean such values first; the engines do not agree on them")  # fmt: skip
    for mark in _FAILING:
        if mark in text:
            return SqlFailed(_BROKE, _after(text, mark), "use TRY, TRY_CAST or NULLIF")
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    if isinstance(error, duckdb.OutOfMemoryException) or text.startswith("Out of Memory Error"):  # by a stream
        return AgecliError("the query ran out of memory", first, "allow more with --memory")
    if "No space left" in text:
        return disk_error(text, "the temporary directory")
    if isinstance(error, duckdb.IOException) and spill and spill in text:
        fix = f"make {spill} writable, or set TMPDIR to another folder"
        return AgecliError("the query cannot spill to disk", first, fix)
    if isinstance(error, duckdb.IOException) and "No files found" in text:
        return DataError("the data cannot be read", first, "it was there a moment ago: run again")
    if "state machine reached an invalid state" in text:
        return DataError("a CSV file cannot be read", "its lines end in different ways (CR LF and LF)",
                         "write it with one kind, as dos2unix does")  # fmt: skip
    files = "Parquet" in text or "CSV" in text or "Malformed JSON" in text
    if isinstance(error, duckdb.IOException | duckdb.InvalidInputException) and files:
        return DataError("the data cannot be read", first, "check the files of the source")
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException
                  | duckdb.NotImplementedException):  # fmt: skip
        return SqlRefused("the query is refused", f"the embedded engine cannot run it: {first}", "write it another way")
    if isinstance(error, duckdb.InternalException | duckdb.FatalException):
        return AgecliError("the embedded engine failed", first, "report this query")
    return SqlFailed(_BROKE, first, "use TRY, TRY_CAST or NULLIF")


def _after(text: str, marker: str) -> str:
    return text.split(marker, 1)[1].splitlines()[0].split("' to ")[0].rstrip("'\"!. ")
