"""What the dialect refuses, by name and before anything runs, and what it calls invalid."""

from __future__ import annotations

import pytest

from agecli.engines import open_engine
from agecli.engines.dialect import translate
from agecli.engines.dialect.parser import parse
from agecli.engines.dialect.scope import Source
from agecli.engines.dialect.types import parse_type
from agecli.errors import SqlInvalid, SqlRefused

COLUMNS = {"v": "varchar", "i": "integer", "x": "double", "d": "date", "ai": "array(integer)"}
TABLE = {"t": Source(tuple((name, parse_type(kind)) for name, kind in COLUMNS.items()), "t")}


def select(expression: str) -> None:
    translate(f"SELECT {expression} FROM t", TABLE)


@pytest.mark.parametrize(
    "expression",
    [
        "frobnicate(i)",
        "checksum(i)",
        "i IN (1, 2, NULL)",
        "reduce_agg(i, 0, (a, b) -> a + b, (a, b) -> a + b)",
        "current_user",
        "TIMESTAMP '2024-01-01 00:00:00 Europe/Paris'",
        "approx_most_frequent(3, v, 10)",
        "CAST(v AS ipaddress)",
        "TRY(transform(ARRAY[v], z -> CAST(z AS integer)))",
    ],
)
def test_what_is_not_in_the_list_is_refused(expression: str) -> None:
    with pytest.raises(SqlRefused):
        select(expression)


def test_a_refusal_names_the_function_and_what_is_allowed() -> None:
    with pytest.raises(SqlRefused, match=r"strpos\(integer, varchar\(1\)\).*strpos\(varchar, varchar\)"):
        select("strpos(i, 'a')")


@pytest.mark.parametrize(
    "expression",
    [
        "nope",
        "t.nope",
        "other.v",
        "i + v",
        "v > 1",
        "sum(i) + i",
        "NOT i",
        "CAST(i AS frob)",
        "CAST(i AS float)",
        "CAST(i AS string)",
        "count(*) FILTER (WHERE i)",
        "9223372036854775808",
        "rank()",
        "x -> x",
        "DATE '2024-13-01'",
        "v LIKE 'a!b' ESCAPE '!'",
    ],
)
def test_what_athena_does_not_take_is_invalid(expression: str) -> None:
    with pytest.raises(SqlInvalid):
        select(expression)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT",
        "SELECT 1 +",
        "SELECT 1 FROM",
        "SELECT 'open",
        "SELECT 1 = 1 = true",
        "SELECT a FROM t WHERE",
        "SELECT (1",
        "SELECT `a` FROM t",
        "SELECT 1 LIMIT x",
        "SELECT 1 ORDER 1",
        "SELECT DISTINCT",
    ],
)
def test_sql_that_does_not_parse_says_where(sql: str) -> None:
    with pytest.raises(SqlInvalid, match="line 1, column"):
        parse(sql)


@pytest.mark.parametrize(
    "sql", ["DROP TABLE t", "CREATE TABLE a AS SELECT 1", "SELECT 1; SELECT 2", "INSERT INTO t SELECT 1"]
)
def test_only_one_select_is_allowed(sql: str) -> None:
    with pytest.raises(SqlRefused):
        parse(sql)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT i FROM t GROUP BY v", "GROUP BY"),
        ("SELECT count(*) FROM t WHERE count(*) > 1", "aggregate"),
        ("SELECT i AS a FROM t WHERE a > 1", "a is not among"),
        ("SELECT v FROM t, t u", "more than one relation"),
        ("SELECT 1 UNION SELECT 'a'", "type mismatch"),
        ("SELECT 1 UNION SELECT 1, 2", "differ in columns"),
        ("SELECT DISTINCT i FROM t ORDER BY v", "DISTINCT"),
        ("SELECT 1 FROM nowhere", "nowhere is not among"),
        ("SELECT i FROM t ORDER BY 2", "ORDER BY 2"),
    ],
)
def test_a_query_that_trino_rejects_is_invalid(sql: str, why: str) -> None:
    with pytest.raises(SqlInvalid, match=why):
        translate(sql, TABLE)


A = "(VALUES (1, 'x', 10, ARRAY[1, 5])) AS a(id, c, n, l)"
B = "(VALUES (1, 'x', 7)) AS b(bid, k, m)"


@pytest.mark.parametrize(
    "value",
    [
        f"(SELECT m FROM {B} WHERE b.k = a.c LIMIT 1)",
        f"(SELECT m FROM {B} WHERE b.m > a.n ORDER BY m LIMIT 1)",
        f"(SELECT m FROM {B} WHERE b.bid + 1 = a.id ORDER BY m LIMIT 1)",
        f"(SELECT max(m + a.n) FROM {B} WHERE b.k = a.c)",
        f"(SELECT m + a.n FROM {B} WHERE b.bid = a.id)",
        f"(SELECT max(m) FROM {B} WHERE b.k = a.c HAVING max(m) > a.n)",
        f"(SELECT max(m) FROM {B} WHERE b.m > a.n GROUP BY b.k)",
        f"(SELECT DISTINCT k FROM {B} WHERE b.m > a.n)",
        f"(SELECT row_number() OVER (ORDER BY m) FROM {B} WHERE b.bid = a.id)",
        "(SELECT max(x) FROM UNNEST(a.l) AS t(x) WHERE x > 1)",
        "(SELECT a.n + 1 WHERE a.n > 5)",
        f"a.n IN (SELECT b.m + a.id FROM {B})",
        f"a.n IN (SELECT max(m) FROM {B} WHERE b.k = a.c)",
        f"EXISTS (SELECT 1 FROM {B} WHERE b.m > a.n LIMIT 1)",
        f"EXISTS (SELECT 1 FROM {B} WHERE b.k = a.c UNION SELECT 2)",
        f"EXISTS (SELECT 1 FROM {B} WHERE EXISTS (SELECT 1 FROM (VALUES 1) AS z(u) WHERE z.u = a.id))",
        "count(*) FILTER (WHERE a.n > 5) OVER ()",
    ],
)
def test_what_trino_does_not_support_is_refused(value: str) -> None:
    with pytest.raises(SqlRefused, match="not support it"):
        translate(f"SELECT {value} FROM {A}", {})


@pytest.mark.parametrize(
    "value",
    [
        f"(SELECT m FROM {B} WHERE b.k = a.c AND b.m > 1 ORDER BY m DESC LIMIT 1)",
        f"(SELECT max(m) FROM {B} WHERE b.m > a.n)",
        f"(SELECT a.n + max(m) FROM {B} WHERE b.k = a.c)",
        f"(SELECT count(*) FROM {B} WHERE a.c = b.k GROUP BY b.k)",
        "(SELECT max(x + a.n) FROM UNNEST(a.l) AS t(x))",
        f"a.n IN (SELECT m FROM {B} WHERE b.m > a.id)",
        f"EXISTS (SELECT 1 FROM {B} WHERE b.k = a.c ORDER BY m LIMIT 1)",
    ],
)
def test_correlated_subqueries_that_trino_runs_are_allowed(value: str) -> None:
    translate(f"SELECT {value} FROM {A}", {})


@pytest.mark.parametrize(
    "sets", ["ROLLUP (1)", "CUBE (lower(v))", "GROUPING SETS ((1), ())", "GROUPING SETS ((v), (i + 1))"]
)
def test_grouping_sets_take_columns_only(sets: str) -> None:
    with pytest.raises(SqlInvalid, match="no column"):
        translate(f"SELECT v, count(*) FROM t GROUP BY {sets}", TABLE)


def test_fetch_first_takes_a_positive_number() -> None:
    with pytest.raises(SqlInvalid, match="positive"):
        translate("SELECT v FROM t FETCH FIRST 0 ROWS ONLY", TABLE)


@pytest.mark.parametrize(
    "sql", ["SELECT " + "(" * 5_000 + "1" + ")" * 5_000, "SELECT 1 WHERE " + " OR ".join(["1 = 1"] * 3_000)]
)
def test_what_is_nested_too_deeply_is_refused(sql):
    with pytest.raises(SqlRefused, match="nested too deeply"):
        open_engine("duckdb").query(sql)


def test_a_long_condition_is_not_too_deep():
    found = open_engine("duckdb").query("SELECT 1 WHERE " + " OR ".join(f"{i} = 1" for i in range(800)))
    assert found.num_rows == 1
