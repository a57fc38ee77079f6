"""Athena's types as Arrow types and back: for schemas of Parquet files and of results."""

from __future__ import annotations

import pyarrow as pa

from agecli.engines.dialect.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    REAL,
    SMALLINT,
    TINYINT,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    Type,
    array,
    decimal,
    field_names,
    map_of,
    row,
    timestamp,
)

_FROM_ARROW = {
    pa.bool_(): BOOLEAN, pa.int8(): TINYINT, pa.int16(): SMALLINT, pa.int32(): INTEGER, pa.int64(): BIGINT,
    pa.uint8(): SMALLINT, pa.uint16(): INTEGER, pa.uint32(): BIGINT, pa.float32(): REAL, pa.float64(): DOUBLE,
    pa.string(): VARCHAR, pa.large_string(): VARCHAR, pa.string_view(): VARCHAR, pa.binary(): VARBINARY,
    pa.large_binary(): VARBINARY, pa.binary_view(): VARBINARY, pa.date32(): DATE, pa.date64(): DATE,
    pa.null(): UNKNOWN, pa.float16(): REAL,
}  # fmt: skip
_TO_ARROW = {
    "boolean": pa.bool_(), "tinyint": pa.int8(), "smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64(),
    "real": pa.float32(), "double": pa.float64(), "varchar": pa.string(), "char": pa.string(), "json": pa.string(),
    "varbinary": pa.binary(), "date": pa.date32(), "unknown": pa.null(), "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"), "timestamp with time zone": pa.timestamp("us", "UTC"),
    "interval day to second": pa.duration("ms"), "interval year to month": pa.month_day_nano_interval(),
}  # fmt: skip
_PRECISION = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def from_arrow(kind: pa.DataType) -> Type | None:
    """Athena's type for a column of a Parquet file; None where it has none (uint64, time, intervals)."""
    if pa.types.is_dictionary(kind):
        return from_arrow(kind.value_type)
    if pa.types.is_timestamp(kind):
        return timestamp(min(6, _PRECISION[kind.unit]))
    if pa.types.is_decimal(kind):
        return decimal(kind.precision, kind.scale)
    if pa.types.is_fixed_size_binary(kind):
        return VARBINARY
    if pa.types.is_map(kind):
        inner = (from_arrow(kind.key_type), from_arrow(kind.item_type))
        return None if inner[0] is None or inner[1] is None else map_of(inner[0], inner[1])
    if pa.types.is_struct(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        types = [from_arrow(f.type) for f in fields]
        known = tuple(t for t in types if t is not None)
        return row(tuple(f.name for f in fields), known) if len(known) == len(types) else None
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        element = from_arrow(kind.value_type)
        return None if element is None else array(element)
    return _FROM_ARROW.get(kind)


def to_arrow(kind: Type) -> pa.DataType:
    """The Arrow type of a result column."""
    if kind.name == "decimal":
        return pa.decimal128(kind.precision, kind.scale)
    if kind.name == "array":
        return pa.list_(to_arrow(kind.element))
    if kind.name == "map":
        return pa.map_(to_arrow(kind.args[0]), to_arrow(kind.args[1]))
    if kind.name == "row":
        pairs = zip(field_names(kind), kind.args, strict=True)
        return pa.struct([pa.field(n, to_arrow(t)) for n, t in pairs])
    return _TO_ARROW[kind.name]
