"""SELECTs that `runtime.rows` can compute, over the Parquet files of a table, a batch of rows after the other.

Rows that it is not sure of are asked of DuckDB: the same SELECT over a table of these rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from agecli.engines import tables as scans
from agecli.engines.base import Relation, Table, View
from agecli.engines.dialect import Translation
from agecli.engines.dialect.scope import Source
from agecli.engines.dialect.types import duckdb_type, quote_name
from agecli.engines.runtime.compiled import enabled, places
from agecli.engines.runtime.rows import Done, RowProgram
from agecli.engines.table_batches import batches
from agecli.errors import DataError

if TYPE_CHECKING:
    from agecli.engines.duckdb import DuckDBEngine
    from agecli.engines.tables import Plain
    from agecli.engines.tally import Tally

_GIVEN_UP = 4  # batches one after the other of which the greater part is odd
_ROWS = "agecli_rows"
_TYPES = {"varchar": pa.string(), "integer": pa.int32(), "bigint": pa.int64(), "double": pa.float64(),
          "boolean": pa.bool_()}  # fmt: skip

Ask = Callable[[pa.Table], pa.Table]


def by_row(
    engine: DuckDBEngine, sql: str, tables: Mapping[str, Relation], translation: Translation, schema: pa.Schema
) -> ByRow | str:
    """The rows of a SELECT of this schema, or why DuckDB is to compute them all."""
    if not enabled():
        return "there is no compiled code here: no C compiler when agecli was installed, or AGECLI_FAST=off"
    plan = translation.rows
    if isinstance(plan, str):
        return plan
    views = [table for name, table in tables.items() if isinstance(table, View) and translation.read.get(name.lower())]
    tally = views[0].tally if views else None
    if tally is not None:
        names = [name for name, _ in translation.columns]
        if not set(tally.identity) <= set(names) or plan.identity != tuple(
            plan.outputs[names.index(name)] for name in tally.identity
        ):
            return f"it does not have {', '.join(tally.identity)} as they are"
    program = RowProgram(plan)
    if not program.fits():
        return "it reads no column, or too many for compiled code"
    strange = _lying_otherwise(plan.source.plain, plan.source, program)
    if strange:
        return f"the files have {strange[0]} in a type that compiled code does not read, or under a name twice"
    exact = _Exact(engine, sql, tables, plan.source, program)
    return ByRow(plan.source.plain, program, schema, tally, exact)


def _lying_otherwise(plain: Plain, source: Source, program: RowProgram) -> list[str]:
    """The columns that do not lie in the files as compiled code takes them."""
    lower = [name.lower() for name in plain.schema.names]
    return [
        plain.fields[i]
        for i in program.columns
        # of columns whose names differ in case alone, DuckDB takes another one
        if lower.count(plain.fields[i].lower()) != 1
        or plain.schema.field(plain.fields[i]).type != _TYPES[source.columns[i][1].name]
    ]


@dataclass
class ByRow:
    """The rows of a SELECT, batch by batch. `given_up` says, once all are read, why DuckDB made the last of them."""

    plain: Plain
    program: RowProgram
    schema: pa.Schema
    tally: Tally | None
    exact: _Exact
    given_up: str = ""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        useless, at = 0, (self.plain.table.rows or (0, 0))[0]
        for columns, count in self._batches():
            done = self.program.run(columns, count)
            odd = np.flatnonzero(done.odd)
            at += count
            if len(odd) * 2 <= count:
                useless = 0
                if self.tally is not None:
                    self.tally.count(count - len(odd), done.counts)
                made = self._mended(done, odd, columns)
                del columns, done  # the memory of the source's texts is free for the next batch
                yield made
                del made
                continue
            useless += 1
            yield from self.exact.rows(columns, self.schema)
            rest = self.exact.rest(at) if useless >= _GIVEN_UP else None
            if rest is not None:
                self.given_up = "most rows have values that compiled code leaves to it, such as sums out of bounds"
                yield from rest
                return

    def _batches(self) -> Iterator[tuple[dict[int, pa.Array], int]]:
        """The columns that are needed, by their numbers, and the number of rows, a batch after the other."""
        fields, numbers = self.plain.fields, self.program.columns
        words = [fields[i] for i in self.program.texts]
        for found, count in batches(self.plain.table, [fields[i] for i in numbers], words):
            columns = [found[fields[i]] for i in numbers]
            del found
            yield dict(zip(numbers, columns, strict=True)), count
            del columns

    def _mended(self, done: Done, odd: np.ndarray[Any, Any], columns: Mapping[int, pa.Array]) -> pa.RecordBatch:
        """What became of a batch, with DuckDB's values in the rows that are odd."""
        arrays = [_as(column, field.type) for column, field in zip(done.columns, self.schema, strict=True)]
        made = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        if not len(odd):
            return made
        exact = self.exact.rows({i: c.take(pa.array(odd)) for i, c in columns.items()}, self.schema)
        whole = pa.Table.from_batches([made, *exact]).combine_chunks()
        return whole.take(places(made.num_rows, odd)).combine_chunks().to_batches()[0]


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if column.type.equals(kind) else column.cast(kind)


class _Exact:
    """The same SELECT by DuckDB, of rows that it is handed."""

    def __init__(
        self, engine: DuckDBEngine, sql: str, tables: Mapping[str, Relation], source: Source, program: RowProgram
    ) -> None:
        self.engine, self.sql, self.tables, self.source, self.program = engine, sql, tables, source, program
        self.run: Ask | None = None

    def rows(self, columns: Mapping[int, pa.Array], schema: pa.Schema) -> list[pa.RecordBatch]:
        """The SELECT's rows for those of a batch."""
        names = [f"k{i}" for i in self.program.columns]
        plain = [_as(columns[i], pa.string()) if pa.types.is_dictionary(columns[i].type) else columns[i]
                 for i in self.program.columns]  # fmt: skip
        given = pa.Table.from_arrays(plain, names)
        if self.run is None:
            self.run = self.engine.prepared(self.sql, self.tables, self.source, self._stand_in(), given.schema)
        found: list[pa.RecordBatch] = self.run(given).cast(schema).combine_chunks().to_batches()
        return found

    def rest(self, first: int) -> Iterator[pa.RecordBatch] | None:
        """The SELECT's rows for those of the source from the first one on; None where it cannot be read in parts."""
        table: Table = self.source.plain.table
        last = table.rows[1] if table.rows is not None else sum(scans.footer(path).rows for path in table.files)
        if first >= last:
            return iter(())
        part = replace(table, rows=(first, last))
        tables = {name: self._swapped(table, part) for name, table in self.tables.items()}
        try:
            return self.engine.read(self.sql, tables)
        except DataError:
            return None

    def _swapped(self, relation: Relation, part: Table) -> Relation:
        if isinstance(relation, View):
            inner = ((name, part if table == self.source.plain.table else table) for name, table in relation.tables)
            return replace(relation, tables=tuple(inner))
        return part if relation == self.source.plain.table else relation

    def _stand_in(self) -> str:
        """The source with columns of which nothing is asked as NULLs."""
        listed = [
            f"k{i} AS {quote_name(name)}" if i in self.program.columns
            else f"CAST(NULL AS {duckdb_type(kind)}) AS {quote_name(name)}"
            for i, (name, kind) in enumerate(self.source.columns)
        ]  # fmt: skip
        return f"(SELECT {', '.join(listed)} FROM {_ROWS})"


def swapped(sources: Mapping[str, Source], wanted: Source, sql: str) -> dict[str, Source]:
    """The sources with other SQL for one of them, which may be behind a view."""

    def swap(source: Source) -> Source:
        if source.inside is not None:
            tables = {name: swap(inner) for name, inner in source.inside.tables.items()}
            return replace(source, inside=replace(source.inside, tables=tables))
        return replace(source, sql=sql, plain=None) if source == wanted else source

    return {name: swap(source) for name, source in sources.items()}
