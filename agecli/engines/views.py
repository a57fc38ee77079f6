"""Views as DuckDB reads them: a SELECT in the place of a table, giving what the table's files would give back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agecli.engines.arrow_types import from_arrow, to_arrow
from agecli.engines.base import Relation, Table, View
from agecli.engines.dialect import Translation
from agecli.engines.dialect.scope import Inside, Source
from agecli.engines.dialect.types import Type, duckdb_type
from agecli.engines.tally import MOST, Tally

_STREAMED = ("PROJECTION", "FILTER", "UNION", "UNNEST", "EMPTY_RESULT")


def files_behind(relations: Iterable[Relation]) -> Iterator[Table]:
    """The stored tables that these relations rest on."""
    for relation in relations:
        if isinstance(relation, View):
            yield from (table for _, table in relation.tables)
        else:
            yield relation


def opened(view: View, translation: Translation, tables: Mapping[str, Source], function: str) -> tuple[Source, str]:
    """The view for the translator, and why a stored table is to be preferred; `function` is the tally in the SQL.

    `translation` is that of the view alone, and `tables` are what it names.
    """
    why, tally = "", view.tally
    if tally is not None and len(tally.columns) > MOST:
        why, tally = f"more than {MOST} of its columns are counted", None
    columns: list[tuple[str, Type]] = []
    casts: dict[str, tuple[int, str]] = {}
    for number, (name, kind) in enumerate(translation.columns, 1):
        back = _read_back(kind)
        cast = "" if back is None or duckdb_type(back) == duckdb_type(kind) else duckdb_type(back)
        if back is None or cast:
            why = why or f"its column {name} is {kind}, which a file gives back as {back or 'nothing'}"
        if back is not None:
            columns.append((name, back))
            casts[name] = number, cast

    def listed(alias: str) -> list[str]:
        values = {
            name: f"CAST({alias}.c{number} AS {cast})" if cast else f"{alias}.c{number}"
            for name, (number, cast) in casts.items()
        }
        if tally is not None:
            first, key = tally.identity[0], ", ".join(values[name] for name in tally.identity)
            counted = f"{function}({_answers(tally, translation, alias)}, hash({key}))"
            values[first] = f"CASE WHEN {counted} THEN {values[first]} END"
        return list(values.values())

    numbers = {name: number for number, (name, _) in enumerate(translation.columns, 1)}
    counted = tuple(numbers[name] for name in tally.columns) if tally is not None else ()
    identity = tuple(numbers[name] for name in tally.identity) if tally is not None else ()
    tallied = list(casts).index(tally.identity[0]) if tally is not None else 0
    inside = Inside(view.sql, tables, listed, counted, identity, tallied)
    return Source(tuple(columns), "", inside), why


def why_not_streamed(plan: list[dict[str, Any]]) -> str:
    """What in DuckDB's plan makes the order of rows depend on more than the order of the files; "" where nothing does.

    A window or a join gives its rows in an order of its own, which is another one after a stored table.
    """
    for step in plan:
        name = step["name"].strip()
        if name not in _STREAMED and not name.startswith("READ_"):
            return f"rows are put together by {name.lower().replace('_', ' ')}"
        why = why_not_streamed(step["children"])
        if why:
            return why
    return ""


def _read_back(kind: Type) -> Type | None:
    """The type that a column of a Parquet file has after this one was written to it; None for one that is not read."""
    return from_arrow(to_arrow(kind))


def _answers(tally: Tally, translation: Translation, alias: str) -> str:
    """SQL for a bigint with a bit for each column of the tally: is it true, or not NULL?"""
    places = {name: (f"{alias}.c{number}", kind) for number, (name, kind) in enumerate(translation.columns, 1)}
    bits = []
    for bit, name in enumerate(tally.columns):
        place, kind = places[name]
        test = place if kind.name == "boolean" else f"{place} IS NOT NULL"
        bits.append(f"CASE WHEN {test} THEN {1 << bit} ELSE 0 END")
    return f"CAST({' + '.join(bits) or '0'} AS BIGINT)"
