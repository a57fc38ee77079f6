"""What expressions give: values that a Trino gave, over columns, where DuckDB's own answer would be another."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agecli.engines import open_engine
from agecli.errors import SqlFailed, SqlRefused

ENGINE = open_engine("duckdb", threads=1)


def column(expression: str, values: str) -> list[Any]:
    """The expression over a column v of these VALUES, in their order."""
    rows = ", ".join(f"({i}, {v.strip()})" for i, v in enumerate(values.split(";")))
    found = ENGINE.query(f"SELECT {expression} AS r FROM (VALUES {rows}) AS t(k, v) ORDER BY k")
    return found.column("r").to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        ("v / 2", "7; -7; NULL", [3, -3, None]),
        ("v % 3", "7; -7", [1, -1]),
        ("TRY(1 / v)", "0; 1", [None, 1]),
        ("TRY(coalesce(CAST(v AS INTEGER), 1))", "'x'; '2'; NULL", [None, 2, 1]),
        ("TRY(CAST(v AS INTEGER) IS NULL)", "'x'; '2'; NULL", [None, False, True]),
        ("TRY(v = 1 OR 1 / (v - 2) > 0)", "1; 2; 3", [True, None, True]),
        ("CAST(v AS INTEGER)", "2.5e0; -2.5e0; 3.49e0", [3, -3, 3]),
        ("CAST(v AS DECIMAL(10,2))", "1.005e0; 2.675e0", [Decimal("1.01"), Decimal("2.68")]),
        ("CAST(v AS VARCHAR)", "1e0; 1e8; 1e-5", ["1.0E0", "1.0E8", "1.0E-5"]),
        ("tanh(v)", "-0.9664234109436878e0; 0.8015213612137668e0", [-0.7471283706312529, 0.6648864360946406]),
        ("log10(v)", "11.0e0; 11.5e0; 23250.0e0", [1.0413926851582251, 1.0606978403536116, 4.366422957225972]),
        ("log2(v)", "2250.0e0; 3.0e0; 3250.0e0", [11.135709286104401, 1.5849625007211563, 11.666224002803178]),
        ("cbrt(v)", "27e0; 0.75e0; 1.25e0; 1.5e0", [3.0, 0.9085602964160698, 1.077217345015942, 1.1447142425533319]),
        ("round(v)", "2.5e0; -0.3e0; -2.5e0; -0e0; 0.49999999999999994e0", [3.0, -0.0, -3.0, 0.0, 0.0]),
        ("round(v, 1)", "1.45e0; -0.01e0; 1e308; -0e0; NULL", [1.5, -0.0, 1e308, 0.0, None]),
        ("TRY(CAST(v AS DECIMAL(20,3)))", "9.2e18; 9.9e16; -1e17", [None, Decimal("99000000000000000.000"), None]),
        ("(v * 1.0 + 0.0) / 0", "CAST(NULL AS INTEGER)", [None]),
        ("to_base(v, 36)", "CAST(-9223372036854775807 - 1 AS BIGINT); BIGINT '-35'", ["-1y2p0ij32e8e8", "-z"]),
        ("to_iso8601(from_iso8601_timestamp(v))", "'2024-06-15T10:00:00.5-09:30'", ["2024-06-15T10:00:00.500-09:30"]),
        ("to_unixtime(date_trunc('day', from_iso8601_timestamp(v)))", "'1970-01-02T01:00:00+02:00'", [79200.0]),
        ("lpad('7', v, '0')", "3; 0; NULL", ["007", "", None]),
        ("substr(v, 2, 1)", "X'0a0b0c'; X'01'", [b"\x0b", b""]),
        ("json_query(v, 'lax $.a' WITH WRAPPER)", """'{"a": [1]}'; 'junk'""", ["[[1]]", None]),
        ("sum(v) OVER (ORDER BY v RANGE BETWEEN 2 PRECEDING AND CURRENT ROW)", "1; 2; 4; NULL", [1, 3, 6, None]),
        (
            "count(*) OVER (ORDER BY v RANGE INTERVAL '1' MONTH PRECEDING)",
            "DATE '2024-03-31'; DATE '2024-02-29'",
            [2, 1],
        ),
        ("CAST(v AS DECIMAL(5,5))", "1.5e-6; -0.5e0", [Decimal("0.00000"), Decimal("-0.50000")]),
        (
            "CAST(v AS DECIMAL(18,4))",
            "REAL '3256371.25'; REAL '-68340048545.1'",
            [Decimal("3256371.2000"), Decimal("-68340048000.0000")],
        ),
        ("normal_cdf(0, 1, v)", "-7e0", [1.2798095916366492e-12]),
        ("v || U&'\\0001' || 'b'", "'a'", ["a\x01b"]),
        ("greatest(v, 1e0)", "nan(); NULL; 0e0", [1.0, None, 1.0]),
        ("v > 1", "nan(); 2e0; NULL", [False, True, None]),
        ("v <> v", "nan(); 2e0", [True, False]),
        ("power(1, v)", "infinity(); 2e0", [math.nan, 1.0]),
        ("v = ARRAY[1, NULL]", "ARRAY[1, NULL]; ARRAY[2, NULL]; ARRAY[1]", [None, False, False]),
        ("contains(v, 2)", "ARRAY[1, NULL]; ARRAY[2]; ARRAY[1]; NULL", [None, True, False, None]),
        ("any_match(v, x -> x = 2)", "ARRAY[1, NULL]; ARRAY[2]; ARRAY[]; NULL", [None, True, False, None]),
        ("element_at(v, -1)", "ARRAY[1, 2]; ARRAY[]", [2, None]),
        ("slice(v, -2, 1)", "ARRAY[1, 2, 3]; ARRAY[1]", [[2], []]),
        ("array_max(v)", "ARRAY[1, NULL]; ARRAY[1, 3]; ARRAY[]", [None, 3, None]),
        ("array_join(v, ',')", "ARRAY[1.5e0, NULL, 2e0]; ARRAY[]", ["1.5E0,2.0E0", ""]),
        ("reduce(v, 0, (s, x) -> s + x, s -> s * 2)", "ARRAY[1, 2]; ARRAY[]; NULL", [6, 0, None]),
        ("sequence(v, 1)", "3; 1", [[3, 2, 1], [1]]),
        ("combinations(v, 2)", "ARRAY[1, 2, 3]", [[[1, 2], [1, 3], [2, 3]]]),
        ("width_bucket(v, 10, 0, 5)", "0e0; 10e0; 5e0", [5, 0, 3]),
        (
            r"regexp_replace(v, '(\w)(\w*)', x -> upper(x[1]) || lower(x[2]))",
            "'hello WORLD'; 'éa b'; ''; NULL",
            ["Hello World", "éA B", "", None],
        ),
        ("regexp_replace(v, '(o)', x -> if(x[1] = 'o', NULL, 'k'))", "'foo'; 'ab'", [None, "ab"]),
        ("regexp_replace(v, '(a)|(b)', x -> coalesce(x[1], '-') || coalesce(x[2], '+'))", "'bab'", ["-ba+-b"]),
        ("regexp_replace(v, '(x*)', x -> '<' || x[1] || '>')", "'ab'; ''", ["<>a<>b<>", "<>"]),
        ("regexp_replace(v || '', '[aeiou]', x -> '$1')", "'oak'", ["$1$1k"]),
        (
            "json_value(v, 'lax $.a' RETURNING bigint DEFAULT -1 ON EMPTY DEFAULT -2 ON ERROR)",
            """'{"a":2.5}'; '{"a":" 12 "}'; '{"a":true}'; '{"a":null}'; '{}'; '{"a":"x"}'; '{"a":[1]}'; ''; 'x'""",
            [3, 12, 1, None, -1, -2, -2, -1, -2],
        ),
        (
            "json_value(v, 'strict $.a' RETURNING double DEFAULT -1 ON EMPTY DEFAULT -2.5 ON ERROR)",
            """'{"a":"1e5"}'; '{}'; '[{"a":1}]'; NULL""",
            [100000.0, -2.5, -2.5, None],
        ),
        ("json_value(v, 'lax $.a' DEFAULT 'x' ON EMPTY)", """'{"a":1.5}'; '[]'; 'no'""", ["1.5E0", "x", None]),
        ("json_value(v, 'lax $' DEFAULT 'x' ON ERROR)", "''; 'null'; '5'", ["x", None, "5"]),
        ("json_array(v, 1.50, true)", "'a\"é'; NULL", ['["a\\"é",1.50,true]', "[1.50,true]"]),
        ("json_array(v NULL ON NULL)", "1e10; nan(); NULL", ["[1.0E10]", '["NaN"]', "[null]"]),
        ("json_object('k': v)", "1; NULL", ['{"k":1}', '{"k":null}']),
        ("json_object('k': v ABSENT ON NULL)", "1; NULL", ['{"k":1}', "{}"]),
        (
            "json_object('name': v, 'age': 5, 'zebra': 1, 'city': 'x', 'B': 2, 'aa': 3, 'country_code': 4)",
            "1",
            ['{"zebra":1,"aa":3,"country_code":4,"B":2,"city":"x","name":1,"age":5}'],
        ),
        ("TRY(json_array(1 / v))", "0; 1", [None, "[1]"]),
        ("DATE '2024-01-31' + v", "INTERVAL '1' MONTH", [__import__("datetime").date(2024, 2, 29)]),
    ],
)
def test_a_value_is_trinos(expression: str, values: str, expected: list[Any]) -> None:
    found = column(expression, values)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        ("min(v)", 1.0),
        ("max(v)", 3.0),
        ("array_agg(v ORDER BY v DESC)[1]", math.nan),
        ("array_agg(v ORDER BY v NULLS FIRST)[1]", None),
        ("count(DISTINCT v)", 3),
        ("max_by(v, v)", 3.0),
        ("approx_percentile(v, 0.5)", 3.0),
    ],
)
def test_an_aggregate_over_nan_and_null_is_trinos(aggregate: str, expected: Any) -> None:
    found = ENGINE.query(f"SELECT {aggregate} AS r FROM (VALUES 1e0, nan(), NULL, 3e0) AS t(v)").column("r").to_pylist()
    assert repr(found) == repr([expected])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 / v FROM (VALUES 0) AS t(v)",
        "SELECT CAST(v AS INTEGER) FROM (VALUES 'x') AS t(v)",
        "SELECT v[3] FROM (VALUES ARRAY[1]) AS t(v)",
        "SELECT v['z'] FROM (VALUES MAP(ARRAY['a'], ARRAY[1])) AS t(v)",
        "SELECT v + 1 FROM (VALUES 2147483647) AS t(v)",
        "SELECT sum(v) FROM (VALUES 9223372036854775807, 1) AS t(v)",
        "SELECT typeof(v + 1) FROM (VALUES 2147483647) AS t(v)",
        "SELECT (SELECT v FROM (VALUES 1, 2) AS t(v))",
    ],
)
def test_what_fails_on_trino_fails_here(sql: str) -> None:
    with pytest.raises(SqlFailed):
        ENGINE.query(sql)


def test_an_estimate_over_many_values_stops_the_query() -> None:
    numbers = "UNNEST(sequence(1, 1000)) AS t(v)"
    with pytest.raises(SqlRefused, match="estimate"):
        ENGINE.query(f"SELECT approx_distinct(v) FROM {numbers}")
    with pytest.raises(SqlRefused, match="estimate"):
        ENGINE.query(f"SELECT TRY(approx_percentile(v, 0.5)) FROM {numbers}")


@settings(max_examples=25, deadline=None)
@given(
    a=st.decimals(-99999, 99999, places=2, allow_nan=False),
    b=st.decimals("0.001", 99, places=3, allow_nan=False),
)
def test_decimal_division_rounds_half_away_from_zero(a: Decimal, b: Decimal) -> None:
    from decimal import ROUND_HALF_UP, localcontext

    with localcontext() as context:
        context.prec = 60
        expected = (a / b).quantize(Decimal("0.001"), ROUND_HALF_UP)
    query = f"SELECT CAST('{a}' AS DECIMAL(12,2)) / CAST('{b}' AS DECIMAL(5,3)) AS r"
    assert ENGINE.query(query).column("r").to_pylist() == [expected]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(-3, 3)), max_size=6),
    st.lists(st.one_of(st.none(), st.integers(-3, 3)), max_size=6),
)
def test_the_union_of_arrays_holds_each_member_once_in_order(one: list[int | None], other: list[int | None]) -> None:
    def written(items: list[int | None]) -> str:
        return "CAST(ARRAY[" + ", ".join("NULL" if i is None else str(i) for i in items) + "] AS ARRAY(INTEGER))"

    found = ENGINE.query(f"SELECT array_union({written(one)}, {written(other)}) AS r").column("r").to_pylist()[0]
    assert found == list(dict.fromkeys(one + other))
