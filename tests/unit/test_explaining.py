"""Rows are found by ids of any type, however a person writes them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli.engines import open_engine
from agecli.engines.base import Table
from agecli.pipeline.explaining import keys_of, read_rows, where_id


@pytest.mark.parametrize(
    ("values", "typed"),
    [
        ([7, 8], ["7", "007"]),
        (["7", "it's"], ["it's"]),
        ([1.5, 2.0], ["1.5", "1.5E0", "2"]),
        ([Decimal("1.50"), Decimal("2.00")], ["1.5", "2"]),
        ([date(2026, 1, 1), date(2026, 1, 2)], ["2026-01-02"]),
        ([datetime(2026, 1, 1), datetime(2026, 1, 2, 3)], ["2026-01-02 03:00:00", "2026-01-02 03:00:00.000"]),
        ([True, False], ["true", "False"]),
        ([b"ab", b"cd"], ["63 64", "6364"]),
    ],
    ids=lambda found: type(found[0]).__name__,
)
def test_an_id_is_found_as_it_is_written(tmp_path, values, typed):
    pq.write_table(pa.table({"id": values}), tmp_path / "t.parquet")
    tables = {"results": Table((str(tmp_path / "t.parquet"),))}
    engine = open_engine("duckdb", threads=1)
    kind = engine.describe("SELECT id FROM results", tables)[0].type
    for name in typed:
        (key,) = keys_of(engine, kind, [name]).values()
        (row,) = read_rows(engine, "results", ("id",), kind, where_id(kind, [key]), tables)
        assert row["id"] in values and key in row.values()


@pytest.mark.parametrize("kind", ["bigint", "double", "date", "boolean"])
def test_what_is_no_id_of_the_type_has_no_key(kind):
    engine = open_engine("duckdb", threads=1)
    assert keys_of(engine, kind, ["9999999999999999999" if kind == "bigint" else "x"]).popitem()[1] is None
