"""The comparison itself: it has to tell apart what a reader could tell apart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import measure
import pyarrow as pa
import pytest
from cells import arrow_type_agrees, from_arrow, from_trino, parse_type, same

from agecli.errors import SqlFailed, SqlRefused


def cell(value: Any, kind: pa.DataType) -> Any:
    return from_arrow(pa.array([value], kind))[0]


AGREE: list[tuple[Any, pa.DataType, Any, str]] = [
    (None, pa.null(), None, "unknown"),
    (1, pa.int32(), 1, "integer"),
    (0.1 + 0.2, pa.float64(), 0.3, "double"),
    (0.1, pa.float32(), 0.1, "real"),
    (float("nan"), pa.float64(), {"float": "nan"}, "double"),
    (float("-inf"), pa.float64(), {"float": "-inf"}, "double"),
    (Decimal("1.50"), pa.decimal128(3, 2), {"decimal": "1.50"}, "decimal(3, 2)"),
    (b"\x00\xff", pa.binary(), {"hex": "00ff"}, "varbinary"),
    (date(2024, 2, 29), pa.date32(), {"time": "2024-02-29"}, "date"),
    (datetime(2024, 3, 1, 0, 0, 0, 345000), pa.timestamp("us"), {"time": "2024-03-01 00:00:00.345"}, "timestamp(3)"),
    (datetime(2024, 3, 1), pa.timestamp("us"), {"time": "2024-03-01 00:00:00"}, "timestamp(3)"),
    (
        datetime(2024, 3, 1, 5, tzinfo=UTC),
        pa.timestamp("us", "UTC"),
        {"time": "2024-03-01 00:00:00-05:00"},
        "timestamp(3) with time zone",
    ),
    (timedelta(days=-2, milliseconds=-5), pa.duration("ms"), {"other": "-2 00:00:00.005"}, "interval day to second"),
    ([1, None], pa.list_(pa.int64()), [1, None], "array(bigint)"),
    ([("b", 1), ("a", None)], pa.map_(pa.string(), pa.int32()), {"map": [["a", None], ["b", 1]]}, "map(json, integer)"),
    ({"a": 1, "b": "x"}, pa.struct({"a": pa.int32(), "b": pa.string()}), [1, "x"], 'row(a integer, "b c" varchar)'),
]  # fmt: skip

DIFFER: list[tuple[Any, pa.DataType, Any, str]] = [
    (1, pa.int32(), True, "boolean"),
    (1, pa.int64(), "1", "varchar"),
    (1.0, pa.float64(), 1, "bigint"),
    (0.0, pa.float64(), -0.0, "double"),
    (1.0000000001, pa.float64(), 1.0, "double"),
    (0.1, pa.float64(), 0.1, "real"),
    (float("nan"), pa.float64(), None, "double"),
    (Decimal("1.5"), pa.decimal128(2, 1), {"decimal": "1.50"}, "decimal(3, 2)"),
    (1.5, pa.float64(), {"decimal": "1.5"}, "decimal(2, 1)"),
    ("a ", pa.string(), "a", "varchar"),
    ("e\u0301", pa.string(), "\u00e9", "varchar"),
    (date(2024, 3, 1), pa.date32(), {"time": "2024-03-01 00:00:00"}, "timestamp(3)"),
    (datetime(2024, 3, 1), pa.timestamp("us"), {"time": "2024-03-01 00:00:00+00:00"}, "timestamp(3) with time zone"),
    (datetime(2024, 3, 1), pa.timestamp("us"), {"time": "2024-03-01 00:00:00.001"}, "timestamp(3)"),
    (timedelta(days=2), pa.duration("ms"), {"other": "-2 00:00:00.000"}, "interval day to second"),
    ([1, None], pa.list_(pa.int64()), [1], "array(bigint)"),
    ([2, 1], pa.list_(pa.int64()), [1, 2], "array(bigint)"),
    ([("a", 1)], pa.map_(pa.string(), pa.int32()), {"map": [["a", 1], ["b", 1]]}, "map(varchar, integer)"),
    ([], pa.list_(pa.int64()), None, "array(bigint)"),
]


@pytest.mark.parametrize(("ours", "arrow", "theirs", "kind"), AGREE)
def test_the_same_answers(ours: Any, arrow: pa.DataType, theirs: Any, kind: str) -> None:
    assert same(cell(ours, arrow), from_trino(theirs, parse_type(kind)))


@pytest.mark.parametrize(("ours", "arrow", "theirs", "kind"), DIFFER)
def test_different_answers(ours: Any, arrow: pa.DataType, theirs: Any, kind: str) -> None:
    assert not same(cell(ours, arrow), from_trino(theirs, parse_type(kind)))


@pytest.mark.parametrize(
    ("days", "text"),
    [(-719528, "0000-01-01"), (2932896, "9999-12-31"), (2932897, "+10000-01-01"), (-721350, "-0005-01-05")],
)
def test_years_that_python_cannot_hold_are_read(days: int, text: str) -> None:
    assert same(from_arrow(pa.array([days], pa.int32()).cast(pa.date32()))[0], from_trino(text, parse_type("date")))


def test_nested_cells_are_read_from_the_middle_of_a_column() -> None:
    column = pa.array([[{"a": 1}], None, [{"a": 2}, {"a": None}]])
    assert from_arrow(column.slice(1)) == [None, [[2], [None]]]


@pytest.mark.parametrize(
    ("arrow", "kind", "agrees"),
    [
        (pa.int64(), "bigint", True),
        (pa.int32(), "bigint", False),
        (pa.decimal128(12, 1), "decimal(12, 1)", True),
        (pa.decimal128(12, 2), "decimal(12, 1)", False),
        (pa.timestamp("us"), "timestamp(3) with time zone", False),
        (pa.list_(pa.struct({"x": pa.int32()})), "array(row(integer))", True),
        (pa.string(), "json", True),
    ],
)
def test_types_stand_for_each_other(arrow: pa.DataType, kind: str, agrees: bool) -> None:
    assert arrow_type_agrees(arrow, parse_type(kind)) is agrees


def test_verdicts() -> None:
    integer = parse_type("integer")
    assert measure.verdict(1, 1, integer) == "agree"
    assert measure.verdict(2, 1, integer) == "silent"
    assert measure.verdict(SqlFailed("x", "y"), 1, integer) == "guarded"
    assert measure.verdict(SqlRefused("x", "y"), 1, integer) == "guarded"
    assert measure.verdict(KeyError("x"), 1, integer) == "crash"
    assert measure.verdict(SqlFailed("x", "y"), {"error": "DIVISION_BY_ZERO"}, integer) == "agree"
    assert measure.verdict(None, {"error": "DIVISION_BY_ZERO"}, integer) == "silent"


@pytest.mark.parametrize(
    ("zoned", "utc"),
    [
        ("2024-03-01 00:30:00+05:30", "2024-02-29 19:00:00"),
        ("0001-01-01 00:00:00.5+01:00", "0000-12-31 23:00:00.5"),
        ("9999-12-31 23:59:59-00:30", "+10000-01-01 00:29:59"),
        ("-0005-01-01 00:00:00 UTC", "-0005-01-01 00:00:00"),
    ],
)
def test_a_time_with_zone_is_its_instant(zoned: str, utc: str) -> None:
    kind = parse_type("timestamp(3) with time zone")
    assert from_trino({"time": zoned}, kind) == from_trino({"time": utc + "+00:00"}, kind)
