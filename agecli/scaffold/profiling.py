"""Counts what a sample holds, column by column."""

from __future__ import annotations

from typing import Any

import duckdb

from agecli.scaffold.names import literal
from agecli.scaffold.plans import Profile
from agecli.scaffold.sampling import Sample, identifier

_VALUES = 3_000
_OBJECTS = 2_000
_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "real", "double", "decimal")


def is_numeric(word: str) -> bool:
    """Whether Athena's word for a type is one of the numbers."""
    return word.partition("(")[0] in _NUMBERS


def is_nested(word: str) -> bool:
    return word.startswith(("array(", "row("))


def profile(connection: duckdb.DuckDBPyConnection, sample: Sample, name: str) -> Profile:
    """What one readable column of the sample holds."""
    word = sample.found.columns[name]
    if word is None:
        raise ValueError(f"{name} cannot be read")
    table, column = f"read_parquet({literal(str(sample.file))})", identifier(name)
    if is_nested(word):
        return _nested(connection, sample, name, word, table, column)
    if word == "varchar":
        return _text(connection, sample, name, table, column)
    value = f"CASE WHEN isnan({column}) THEN NULL ELSE {column} END" if word in ("real", "double") else column
    low, high, whole = "NULL", "NULL", "NULL"
    if is_numeric(word):
        low, high = (
            "min(v::DOUBLE) FILTER (WHERE isfinite(v::DOUBLE))",
            "max(v::DOUBLE) FILTER (WHERE isfinite(v::DOUBLE))",
        )
        whole = "bool_and(v::DOUBLE = round(v::DOUBLE))"
    filled, distinct, least, most, ints = connection.execute(
        f"SELECT count(v), count(DISTINCT v), {low}, {high}, {whole} FROM (SELECT {value} AS v FROM {table})"
    ).fetchall()[0]
    values: dict[str, int] = {}
    if word == "boolean" or (is_numeric(word) and distinct <= 100):
        values = _counts(connection, f"SELECT CAST({value} AS VARCHAR) AS v FROM {table}", 100)
    return Profile(name, word, sample.rows, filled, distinct, values, (), least, most, bool(ints))


def _text(connection: duckdb.DuckDBPyConnection, sample: Sample, name: str, table: str, column: str) -> Profile:
    trimmed = f"SELECT nullif(trim({column}), '') AS v FROM {table}"
    filled, distinct, words = connection.execute(
        f"SELECT count(v), count(DISTINCT v), avg(length(v) - length(replace(v, ' ', '')) + 1) FROM ({trimmed})"
    ).fetchall()[0]
    values = _counts(connection, trimmed, _VALUES)
    return Profile(
        name, "varchar", sample.rows, filled, distinct, values,
        mean_words=float(words or 0), delimiter=sample.found.delimiter,
    )  # fmt: skip


def _nested(
    connection: duckdb.DuckDBPyConnection, sample: Sample, name: str, word: str, table: str, column: str
) -> Profile:
    (filled,) = connection.execute(f"SELECT count({column}) FROM {table}").fetchall()[0]
    objects = connection.execute(
        f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"
        f" USING SAMPLE reservoir({_OBJECTS} ROWS) REPEATABLE (42)"
    ).fetchall()
    return Profile(name, word, sample.rows, filled, filled, objects=tuple(row[0] for row in objects))


def _counts(connection: duckdb.DuckDBPyConnection, query: str, most: int) -> dict[str, int]:
    """The most frequent values and their rows; among equally frequent ones a fixed random choice."""
    rows: list[tuple[Any, int]] = connection.execute(
        f"SELECT v, count(*) FROM ({query}) WHERE v IS NOT NULL GROUP BY v ORDER BY count(*) DESC, hash(v) LIMIT {most}"
    ).fetchall()
    return {str(value): count for value, count in rows}


def unique_columns(connection: duckdb.DuckDBPyConnection, sample: Sample, most: int = 5) -> list[str]:
    """Columns that could be the id: whole numbers or text, never NULL, each value once."""
    found = []
    for name, word in sample.found.columns.items():
        if word is None or not (word in ("varchar", "bigint", "integer", "smallint") or word.startswith("decimal")):
            continue
        distinct, longest = connection.execute(
            f"SELECT count(DISTINCT {identifier(name)}), max(length({identifier(name)}::VARCHAR))"
            f" FROM read_parquet({literal(str(sample.file))})"
        ).fetchall()[0]
        if distinct == sample.rows and longest is not None and longest <= 100:
            found.append(name)
    return found[:most]
