"""Tables that are not there yet: the output of a SELECT, its size estimated from the tables that it reads."""

from __future__ import annotations

from collections.abc import Mapping

from agecli.cost import columns, texts
from agecli.cost.scan import Opened, Planned, open_table
from agecli.engines.base import Column, Table
from agecli.engines.dialect import Source, translate
from agecli.engines.dialect.types import VARCHAR, Type

# bytes per value in Parquet where nothing is known of the values: about half of their plain width
_USUAL = {
    "boolean": 0.15, "tinyint": 0.5, "smallint": 1.0, "integer": 2.0, "bigint": 4.0, "real": 3.0, "double": 6.0,
    "date": 2.0, "timestamp": 5.0, "decimal": 6.0, "varchar": 12.0, "varbinary": 24.0, "unknown": 0.0,
}  # fmt: skip
_ELEMENTS = 5  # of an array or map


def planned(sql: str, tables: Mapping[str, Table | Planned], rows: int | None = None) -> Planned:
    """The table that this SELECT would write: `rows` of it, or as many as its largest input has.

    A column that passes through unchanged weighs what it weighs in its source, any other what is usual for its type.
    Raises SqlInvalid and SqlRefused.
    """
    opened = {name.lower(): open_table(table) for name, table in tables.items()}
    sources = {n: Source(tuple((c, t or VARCHAR) for c, t in o.columns), "nothing") for n, o in opened.items()}
    made = translate(sql, sources).columns
    passed = columns.passed(sql, {name: table.columns for name, table in opened.items()})
    known = {name: _weights(table) for name, table in opened.items()}
    weights: dict[str, float] = {}
    taken = 0
    for (name, kind), origin in zip(made, passed, strict=True):
        weight = known[origin[0]].get(origin[1]) if origin is not None else None
        taken += weight is not None
        weights[name] = usual(kind) if weight is None else weight
    named = {origin[0] for origin in passed if origin is not None} or set(opened)
    count = max((_rows(opened[n]) for n in named), default=0) if rows is None else rows
    basis = (
        f"{count:,} rows; {taken} of {len(made)} columns weigh as in their source, the others as usual for their type"
    )
    return Planned(tuple(Column(name, str(kind)) for name, kind in made), count, weights, basis)


def usual(kind: Type) -> float:
    """Bytes that a value of a type usually takes in compressed Parquet."""
    if kind.args:
        inside = sum(usual(argument) for argument in kind.args)
        return inside * (1 if kind.name == "row" else _ELEMENTS)
    return _USUAL.get(kind.name, 8.0)


def _weights(opened: Opened) -> dict[str, float]:
    """Bytes per row of each column, by its name in lower case."""
    if isinstance(opened.table, Planned):
        return {name.lower(): weight for name, weight in opened.table.column_bytes.items()}
    found: dict[str, int] = {}
    for footer in opened.footers.values():
        for chunk in (c for g in footer.groups for c in g.chunks) if footer is not None else ():
            top = chunk.leaf.split(".")[0].lower()
            found[top] = found.get(top, 0) + chunk.length
    rows = sum(f.rows for f in opened.footers.values() if f is not None)
    return {name: length / rows for name, length in found.items()} if rows else {}


def _rows(opened: Opened) -> int:
    if isinstance(opened.table, Planned):
        return opened.table.rows
    if opened.table.format != "parquet":
        return _lines(opened, opened.table.format == "csv")
    rows = sum(f.rows for f in opened.footers.values() if f is not None)
    seen = sum(f.size for f in opened.footers.values() if f is not None)
    return round(rows * opened.total_bytes / seen) if seen else 0


def _lines(opened: Opened, header: bool) -> int:
    """Rows of text files, from the length of the first lines."""
    first = next((o for o in opened.objects if o.size), None)
    if first is None:
        return 0
    found = texts.sample(first)
    return max(0, round(len(found.lines) * opened.total_bytes / found.consumed) - header * len(opened.objects))
