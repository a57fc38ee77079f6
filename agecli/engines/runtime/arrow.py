"""Plain functions of one value, made into functions over Arrow columns for DuckDB.

A NULL argument gives NULL without the function being called. `quiet` functions give NULL where the plain one raises
`TrinoError`; a `GuardError` always comes through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from agecli.engines.dialect.registry import REFUSED, Udf
from agecli.engines.dialect.types import Type, duckdb_type, field_names, parse_type
from agecli.engines.runtime.errors import GuardError, TrinoError

_SCALARS = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double": pa.float64(),
    "varchar": pa.string(),
    "char": pa.string(),
    "json": pa.string(),
    "varbinary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "interval day to second": pa.int64(),
    "interval year to month": pa.int32(),
}


def arrow_type(kind: Type) -> pa.DataType:
    """The Arrow type of a column of this Trino type, as DuckDB's functions exchange it."""
    if kind.name == "array":
        return pa.list_(arrow_type(kind.element))
    if kind.name == "map":
        return pa.map_(arrow_type(kind.args[0]), arrow_type(kind.args[1]))
    if kind.name == "row":
        pairs = zip(field_names(kind), kind.args, strict=True)
        return pa.struct([(name, arrow_type(inner)) for name, inner in pairs])
    if kind.name == "decimal":
        return pa.decimal128(kind.precision, kind.scale)
    return _SCALARS[kind.name]


def over_columns(body: Callable[..., Any], result: pa.DataType, *, quiet: bool) -> Callable[..., pa.Array]:
    """The function over Arrow columns; `body` takes one Python value per argument, never None."""

    def attempt(*values: Any) -> Any:
        try:
            return body(*values)
        except TrinoError:
            return None
        except GuardError as bad:
            raise GuardError(f"{REFUSED}{bad}") from None

    def insist(*values: Any) -> Any:
        try:
            return body(*values)
        except TrinoError as bad:
            raise TrinoError(str(bad)[:200]) from None
        except GuardError as bad:
            raise GuardError(f"{REFUSED}{bad}") from None

    call = attempt if quiet else insist

    def one(column: pa.Array) -> pa.Array:
        return pa.array([None if v is None else call(v) for v in column.to_pylist()], result)

    def many(*columns: pa.Array) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([None if None in row else call(*row) for row in rows], result)

    def two(a: pa.Array, b: pa.Array) -> pa.Array:
        return many(a, b)

    def three(a: pa.Array, b: pa.Array, c: pa.Array) -> pa.Array:
        return many(a, b, c)

    def four(a: pa.Array, b: pa.Array, c: pa.Array, d: pa.Array) -> pa.Array:
        return many(a, b, c, d)

    wrapped: dict[int, Callable[..., pa.Array]] = {1: one, 2: two, 3: three, 4: four}
    return wrapped[body.__code__.co_argcount]


def udf(name: str, body: Callable[..., Any], parameters: list[str], result: str | Type, *, quiet: bool = False) -> Udf:
    """A runtime function from a plain one; types are Trino's words."""
    kind = parse_type(result) if isinstance(result, str) else result
    types = tuple(duckdb_type(parse_type(p)) for p in parameters)
    return Udf(name, over_columns(body, arrow_type(kind), quiet=quiet), types, duckdb_type(kind))
