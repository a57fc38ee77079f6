"""SELECTs by compiled code against the same by DuckDB: the same cells and errors, whatever rows and expressions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agecli.engines import duckdb as module
from agecli.engines import open_engine, plain_rows, table_batches
from agecli.engines.base import Column, Table, View
from agecli.engines.dialect.rows import RowPlan
from agecli.engines.runtime import compiled, evaluator
from agecli.engines.tally import Tally
from agecli.errors import AgecliError, DataError, SqlFailed, SqlInvalid, SqlRefused

if not compiled.enabled():
    pytest.skip("the extension was not built: there is no C compiler", allow_module_level=True)

INTEGERS = (0, 1, -1, 7, 10, 1999, 2**31 - 1, -(2**31))
BIGINTS = (0, 1, -1, 3, 2**31, 2**62, 2**63 - 1, -(2**63))
DOUBLES = (0.0, -0.0, 1.0, -1.5, 12.0, 3.4028235677973366e38, 3.5e38, 1e308, math.inf, -math.inf, math.nan, 5e-324)
WORDS = (
    "",
    "a",
    "B",
    "senior",
    "500+",
    "12",
    "-3.5",
    "1e3",
    "2019-05",
    "2019-05-31",
    "1999",
    "é",
    "x\0y",
    "x" * 300,
    "nan",
)
ARRAYS = (
    "[]",
    "[1]",
    "null",
    "{}",
    "",
    "[1,2,3]",
    '[{"n":1},{"n":null}]',
    '[{"n":5}]',
    "[object Object]",
    "[,]",
    '[{"n":9e9}]',
)

row = st.fixed_dictionaries(
    {
        "a": st.none() | st.sampled_from(INTEGERS),
        "b": st.none() | st.sampled_from(BIGINTS),
        "d": st.none() | st.sampled_from(DOUBLES),
        "e": st.none() | st.floats(),
        "f": st.none() | st.booleans(),
        "s": st.none() | st.sampled_from(WORDS),
        "u": st.none() | st.text(max_size=4),
        "j": st.none() | st.sampled_from(ARRAYS),
    }
)
SCHEMA = pa.schema(
    [("a", pa.int32()), ("b", pa.int64()), ("d", pa.float64()), ("e", pa.float64()), ("f", pa.bool_()),
     ("s", pa.string()), ("u", pa.string()), ("j", pa.string())]
)  # fmt: skip

_FEW = "(CAST(json_parse(j) AS ARRAY(ROW(n BIGINT))))"


def _numbers(inner: st.SearchStrategy[str], leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    booleans = st.one_of(
        st.sampled_from(
            ["f", "s IS NULL", "u IS NOT NULL", "s = 'senior'", "s LIKE '%1%'", "d IS NULL", "NULL", "j IS NULL"]
        ),
        st.builds("({} {} {})".format, inner, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), inner),
        st.builds("({} BETWEEN {} AND {})".format, inner, inner, inner),
    )
    tests = st.one_of(booleans, st.builds("({} {} {})".format, booleans, st.sampled_from(["AND", "OR"]), booleans),
                      st.builds("(NOT {})".format, booleans))  # fmt: skip
    return st.one_of(
        leaves,
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "%"]), inner),
        st.builds("(- {})".format, inner),
        st.builds("{}({}, {})".format, st.sampled_from(["greatest", "least", "coalesce", "nullif"]), inner, inner),
        st.builds("CASE WHEN {} THEN {} WHEN {} THEN {} END".format, tests, inner, tests, inner),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, tests, inner, inner),
        st.builds("if({}, {}, {})".format, tests, inner, inner),
        st.builds("CASE a WHEN 1 THEN {} WHEN 7 THEN {} ELSE {} END".format, inner, inner, inner),
        st.builds("CAST({} AS DOUBLE)".format, inner),
    )


integers = st.recursive(
    st.sampled_from(["a", "b", "7", "0", "-1", "2147483647", "NULL", "length(s)", "TRY_CAST(s AS INTEGER)",
                     "json_array_length(j)", f"cardinality(TRY{_FEW})",
                     "CASE s WHEN 'a' THEN 1 WHEN '12' THEN 2 END",
                     f"array_max(transform(TRY{_FEW}, x -> x.n))"]),
    lambda inner: _numbers(inner, st.just("a")),
    max_leaves=6,
)  # fmt: skip
doubles = st.recursive(
    st.sampled_from(["d", "e", "1e0", "0e0", "TRY_CAST(s AS DOUBLE)", "CAST(a AS DOUBLE)", "CAST(b AS DOUBLE)"]),
    lambda inner: _numbers(inner, st.just("d")),
    max_leaves=6,
)
texts = st.sampled_from(
    ["s", "u", "j", "upper(s)", "CASE WHEN a > 1 THEN 'more' WHEN f THEN 'true' END",
     "CASE a WHEN 1 THEN 'one' ELSE 'two' END",
     "CASE WHEN s IS NULL THEN 'none' ELSE 'some' END", "'fixed'", "concat('Q', s)", "coalesce(s, 'none')"]
)  # fmt: skip
columns = st.one_of(
    integers, doubles, texts,
    doubles.map("CAST({} AS REAL)".format), integers.map("({} IS NULL)".format), doubles.map("is_nan({})".format),
    st.sampled_from(["CAST(a AS REAL)", "TRY(date_parse(s, '%Y-%m'))", "CAST(TRY(date_parse(s, '%Y-%m-%d')) AS DATE)"]),
)  # fmt: skip


def select(expressions: list[str]) -> str:
    listed = ", ".join(f"{expression} AS c{i}" for i, expression in enumerate(expressions))
    return f"WITH t0 AS (SELECT j, a AS a2, s, u, f, e, d, b, a FROM t) SELECT {listed} FROM t0"


def written(path: Path, rows: list[dict[str, Any]], group: int = 7) -> Table:
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path, row_group_size=group)
    return Table((str(path),))


def cells(folder: Path) -> list[str]:
    found = pq.read_table(sorted(folder.glob("*.parquet")))
    # NaN is not itself, and its bits are nobody's business
    return [repr(found.schema.types), *(repr(list(row.values())) for row in found.to_pylist())]


def answer(sql: str, tables: dict[str, Any], folder: Path) -> list[str] | str:
    engine = open_engine(threads=1)
    try:
        engine.create(sql, tables, folder)
        return cells(folder)
    except AgecliError as error:
        return type(error).__name__
    finally:
        engine.close()


def by_duckdb(work: Callable[[], Any]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "by_row", lambda *_: "as asked")
        return work()


def told(sql: str, tables: dict[str, Any], folder: Path) -> str:
    """Why the engine computed the rows; nothing where compiled code did."""
    engine = open_engine(threads=1)
    try:
        return engine.create(sql, tables, folder).by_engine
    finally:
        engine.close()


def planned(sql: str, table: Table) -> bool:
    engine = open_engine(threads=1)
    try:
        return isinstance(engine.translate(sql, {"t": table}).rows, RowPlan)
    finally:
        engine.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(row, min_size=1, max_size=30), st.lists(columns, min_size=1, max_size=4))
def test_cells_and_errors_are_those_of_duckdb(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], expressions: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    sql, table = select(expressions), written(folder / "t.parquet", rows)
    try:
        found = answer(sql, {"t": table}, folder / "one")
        wanted = by_duckdb(lambda: answer(sql, {"t": table}, folder / "two"))
    except (SqlRefused, SqlInvalid):
        return
    assert found == wanted


@pytest.mark.parametrize(
    "expression",
    ["a", "b + 1", "d / 2", "CAST(d AS REAL)", "length(s)", "json_array_length(j)", "f AND a > 1", "greatest(d, e)",
     "CASE WHEN a > 1 THEN 'more' END", f"cardinality(TRY{_FEW})", "u IS NULL", "a2 + 1", "upper(u)", "is_nan(d)"],
)  # fmt: skip
def test_what_recipes_are_made_of_is_computed_row_by_row(tmp_path: Path, expression: str) -> None:
    assert planned(select([expression]), written(tmp_path / "t.parquet", [{"a": 1}]))


@pytest.mark.parametrize(
    "sql",
    ["SELECT a FROM t WHERE a > 1", "SELECT DISTINCT a FROM t", "SELECT a FROM t LIMIT 1", "SELECT max(a) AS m FROM t",
     "SELECT a, count(*) AS n FROM t GROUP BY a", "SELECT x.a FROM t x JOIN t y ON x.a = y.a",
     "SELECT a FROM t ORDER BY a",
     "SELECT row_number() OVER (ORDER BY a) AS n FROM t", "SELECT a FROM t UNION ALL SELECT a FROM t",
     "SELECT n FROM t CROSS JOIN UNNEST(ARRAY[1, 2]) AS u (n)", "SELECT a IN (SELECT a FROM t) AS i FROM t",
     "WITH w AS (SELECT a FROM t WHERE a > 1) SELECT a + 1 AS b FROM w", "SELECT a FROM t TABLESAMPLE BERNOULLI (10)",
     "SELECT random() AS r FROM t", "SELECT ARRAY[a] AS l FROM t"],
)  # fmt: skip
def test_what_is_no_plain_projection_is_left_to_duckdb(tmp_path: Path, sql: str) -> None:
    assert not planned(sql, written(tmp_path / "t.parquet", [{"a": 1}]))


@pytest.mark.parametrize(
    "sql, why",
    [
        ("SELECT a + 1 AS b, s FROM t", ""),
        ("SELECT a, date_add('day', a, DATE '2020-01-01') AS b, s FROM t", "does not know how to compute b"),
        ("SELECT a FROM t WHERE a > 1", "not made of one row of one table"),
        ("SELECT U&'\\0041' AS b, a FROM t", "U&'...'"),
        ("SELECT 1 AS b FROM t", "reads no column"),
    ],
)
def test_it_is_said_why_compiled_code_did_not_compute_the_rows(tmp_path: Path, sql: str, why: str) -> None:
    table = written(tmp_path / "t.parquet", FEW)
    assert (why in told(sql, {"t": table}, tmp_path / "o")) if why else told(sql, {"t": table}, tmp_path / "o") == ""


def test_it_is_said_that_there_is_no_compiled_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGECLI_FAST", "off")
    assert "AGECLI_FAST=off" in told("SELECT a FROM t", {"t": written(tmp_path / "t.parquet", FEW)}, tmp_path / "o")


def test_odd_rows_stand_in_their_places(tmp_path: Path) -> None:
    rows = [{"a": i, "b": 2**63 - 1 if i % 3 else i, "s": str(i)} for i in range(100)]
    sql = "SELECT a, CASE WHEN a % 3 = 0 THEN b + 1 ELSE b END AS b, s FROM t"
    table = written(tmp_path / "t.parquet", rows)
    found = answer(sql, {"t": table}, tmp_path / "one")
    assert found[1:] == [repr([i, 2**63 - 1 if i % 3 else i + 1, str(i)]) for i in range(100)]


@pytest.mark.parametrize("first, last", [(0, 1), (3, 9), (6, 22), (7, 14), (20, 40), (39, 40), (0, 40)])
def test_parts_of_a_table_are_those_rows(tmp_path: Path, first: int, last: int) -> None:
    two = [written(tmp_path / f"{i}.parquet", [{"a": 20 * i + k} for k in range(20)]) for i in range(2)]
    table = Table((*two[0].files, *two[1].files), rows=(first, last))
    assert answer("SELECT a + 0 AS a FROM t", {"t": table}, tmp_path / "o")[1:] == [
        repr([i]) for i in range(first, last)
    ]


def test_a_tally_counts_the_rows_and_need_not_sum_what_is_the_same(tmp_path: Path) -> None:
    rows = [{"u": str(i), "a": i if i % 2 else None, "b": 2**63 - 1 if i == 4 else i} for i in range(10)]
    table = written(tmp_path / "t.parquet", rows)
    tally = Tally(("id", "label"), ("label", "bad"))
    staging = "SELECT u AS id, a AS label, b > 4 AS bad, CASE WHEN b < 9 THEN b END AS b FROM s"
    view = View(staging, (("s", table),), tally)
    sql = "SELECT id, label, CASE WHEN b < 100 THEN b + 1 END AS more FROM v"
    assert len(answer(sql, {"v": view}, tmp_path / "one")) == 11
    assert (tally.rows, tally.counts, tally.proven) == (10, {"label": 5, "bad": 6}, True)


def test_a_select_that_changes_what_a_tally_sums_is_left_to_duckdb(tmp_path: Path) -> None:
    table = written(tmp_path / "t.parquet", [{"u": str(i), "a": i} for i in range(10)])
    tally = Tally(("id",), ("bad",))
    view = View("SELECT u AS id, a, a > 4 AS bad FROM s", (("s", table),), tally)
    assert len(answer("SELECT upper(id) AS id, a FROM v", {"v": view}, tmp_path / "one")) == 11
    assert (tally.rows, tally.counts, tally.proven) == (10, {"bad": 5}, False)


def test_texts_that_are_no_utf8_are_an_error(tmp_path: Path) -> None:
    texts = pa.array([b"good", b"\xff\xfe bad"]).view(pa.string())
    pq.write_table(pa.table({"u": texts}), tmp_path / "t.parquet", use_dictionary=False)
    table = Table((str(tmp_path / "t.parquet"),))
    engine = open_engine(threads=1)
    with pytest.raises((SqlFailed, DataError)):
        engine.create("SELECT u FROM t", {"t": table}, tmp_path / "o")
    engine.close()


def test_where_most_rows_are_odd_duckdb_computes_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_batches, "_BATCH_ROWS", 10)
    table = written(tmp_path / "t.parquet", [{"b": 2**62, "a": i} for i in range(200)], group=50)
    sql = "SELECT a, CASE WHEN b < 0 THEN b * 2 END AS c FROM t"
    assert answer(sql, {"t": table}, tmp_path / "one")[1:] == [repr([i, None]) for i in range(200)]
    tally = Tally(("id",), ("late",))
    view = View(f"SELECT a AS id, a > 9 AS late, c FROM ({sql}) AS q", (("t", replace(table, rows=(5, 185))),), tally)
    found = answer("SELECT id, c FROM v", {"v": view}, tmp_path / "two")
    assert found[1:] == [repr([i, None]) for i in range(5, 185)]
    assert (tally.rows, tally.counts) == (180, {"late": 175})
    assert "most rows have values" in told("SELECT id, c FROM v", {"v": view}, tmp_path / "three")


@pytest.mark.parametrize("rows", [[{"a": 2**31 - 1}], [{"a": 2**31 - 1}, {"a": None}]])
def test_an_error_does_not_depend_on_what_else_is_in_the_file(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    table, sql = written(tmp_path / "t.parquet", rows), "SELECT (a + a) IS NULL AS n FROM t"
    assert answer(sql, {"t": table}, tmp_path / "one") == "SqlFailed"
    assert by_duckdb(lambda: answer(sql, {"t": table}, tmp_path / "two")) == "SqlFailed"


def test_long_texts_come_in_small_batches(tmp_path: Path) -> None:
    table = pa.table({"u": [f"{i}" * 5_000 for i in range(10, 99)] * 40})
    pq.write_table(table, tmp_path / "t.parquet", use_dictionary=False)
    with pq.ParquetFile(tmp_path / "t.parquet") as file:
        group = file.metadata.row_group(0)
    assert table_batches._LEAST_ROWS <= table_batches._rows_at_once(group) < group.num_rows
    sql, tables = "SELECT u, u IS NULL AS n FROM t", {"t": Table((str(tmp_path / "t.parquet"),))}
    assert answer(sql, tables, tmp_path / "o")[1:] == [repr([u, False]) for u in table["u"].to_pylist()]


def test_other_kinds_of_columns_are_left_to_duckdb(tmp_path: Path) -> None:
    pq.write_table(pa.table({"s": pa.array(["a", "b"], pa.large_string())}), tmp_path / "t.parquet")
    table = Table((str(tmp_path / "t.parquet"),))
    assert answer("SELECT upper(s) AS s FROM t", {"t": table}, tmp_path / "o")[1:] == ["['A']", "['B']"]


FEW = [
    {"a": 1, "b": 5, "d": 0.1, "f": True, "s": "abc", "u": "xyz", "j": "[1,2,3]"},
    {"a": 5, "f": False, "u": "q", "j": "[1]"},
    {"s": "[1,2]", "d": math.nan},
]
_LENGTH = "cardinality(TRY(CAST(json_parse({}) AS ARRAY(BIGINT))))"
_DEEP = {
    "sum": "a" + " + 1" * 400,
    "or": " OR ".join(f"a = {i}" for i in range(450)),
    "case": "CASE a" + "".join(f" WHEN {i} THEN 't{i}'" for i in range(380)) + " END",
    "some": "a" + " + 1" * 60,
}


@pytest.mark.parametrize(
    "sql",
    [
        # a JSON column under another name, at another place, and one that is none of the table's
        f"WITH w AS (SELECT j AS x, a AS y FROM t) SELECT y, {_LENGTH.format('x')} AS n FROM w",
        f"WITH w AS (SELECT a, b, d, e, f, j AS x FROM t) SELECT a, {_LENGTH.format('x')} AS n FROM w",
        f"WITH w AS (SELECT concat('[9,', substr(j, 2)) AS x FROM t) SELECT {_LENGTH.format('x')} AS n FROM w",
        f"WITH w AS (SELECT a, b, d, e, f, s, u, s AS q, j AS k FROM t) SELECT {_LENGTH.format('k')} AS n FROM w",
        # texts of a length
        "SELECT CAST(s AS VARCHAR(2)) AS x FROM t",
        "SELECT CAST('abc' AS VARCHAR(2)) AS x, a FROM t",
        "SELECT CASE WHEN f THEN CAST('abc' AS VARCHAR(2)) END AS x FROM t",
        "WITH w AS (SELECT CAST(s AS VARCHAR(2)) AS s FROM t) SELECT upper(s) AS x FROM w",
        # other rows than the table's
        "SELECT 1 AS y FROM (SELECT max(a) AS m FROM t) q",
        "SELECT 1 AS y FROM (SELECT count(*) AS m FROM t) q",
        "WITH w AS (SELECT a FROM t) SELECT 1 AS y FROM (SELECT 2 AS x) q",
        "WITH z AS (SELECT 1 AS k), w AS (SELECT a FROM t) SELECT 5 AS y FROM z",
        # NULL or not, of what compiled code has no columns of
        "SELECT CAST(d AS REAL) IS NULL AS x, CASE WHEN f THEN 'a' END IS NULL AS y FROM t",
        "SELECT x IS NULL AS y, a FROM (SELECT 'k' AS x, a FROM t)",
        "SELECT upper(s) IS NULL AS y FROM t",
        *(f"SELECT {expression} AS x FROM t" for expression in _DEEP.values()),
        "SELECT 1/0 AS x FROM t",
        "SELECT 1 AS x FROM t",
    ],
)
def test_rows_are_those_of_duckdb(tmp_path: Path, sql: str) -> None:
    tables = {"t": written(tmp_path / "t.parquet", FEW)}
    found = answer(sql, tables, tmp_path / "one")
    assert found == by_duckdb(lambda: answer(sql, tables, tmp_path / "two"))


@pytest.mark.parametrize(
    "view, identity, counted, sql",
    [
        ("SELECT u AS id, j FROM s", ("id",), (), f"SELECT id, {_LENGTH.format('j')} AS n FROM v"),
        ("SELECT CAST(u AS VARCHAR(1)) AS id FROM s", ("id",), (), "SELECT id FROM v"),
        ("SELECT s, u AS id FROM s", ("id",), (), "SELECT s AS id FROM v"),
        ("SELECT s, u AS id FROM s", ("id",), (), "SELECT id, s FROM v"),
        ("SELECT u AS id, CASE WHEN a > 4 THEN 'y' END AS l FROM s", ("id",), ("l",), "SELECT id, l FROM v"),
        ("SELECT u AS id, CAST(d AS REAL) AS l FROM s", ("id",), ("l",), "SELECT id, l FROM v"),
    ],
)
def test_views_and_their_tallies_are_those_of_duckdb(
    tmp_path: Path, view: str, identity: tuple[str, ...], counted: tuple[str, ...], sql: str
) -> None:
    table = written(tmp_path / "t.parquet", FEW)

    def tallied(folder: Path) -> tuple[list[str] | str, int, dict[str, int]]:
        tally = Tally(identity, counted)
        other = View("SELECT a FROM s", (("s", table),))
        found = answer(sql, {"other": other, "v": View(view, (("s", table),), tally)}, folder)
        return found, tally.rows, tally.counts

    assert tallied(tmp_path / "one") == by_duckdb(lambda: tallied(tmp_path / "two"))


def test_columns_whose_names_differ_in_case_are_left_to_duckdb(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"a": pa.array([1, 2], pa.int32()), "A": pa.array([10, 20], pa.int32())}), tmp_path / "t.parquet"
    )
    tables = {"t": Table((str(tmp_path / "t.parquet"),), columns=(Column("A", "integer"),))}
    found = answer('SELECT "A" + 0 AS x FROM t', tables, tmp_path / "one")
    assert found == by_duckdb(lambda: answer('SELECT "A" + 0 AS x FROM t', tables, tmp_path / "two"))


def test_moderate_depths_are_computed_row_by_row(tmp_path: Path) -> None:
    assert planned(f"SELECT {_DEEP['some']} AS x FROM t", written(tmp_path / "t.parquet", FEW))
    assert not planned(f"SELECT {_DEEP['sum']} AS x FROM t", written(tmp_path / "t.parquet", FEW))


@pytest.mark.parametrize("dictionary", [True, False])
def test_texts_that_are_not_kept_are_computed_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dictionary: bool
) -> None:
    monkeypatch.setattr(evaluator, "MOST_TEXTS", 20)
    monkeypatch.setattr(table_batches, "_BATCH_ROWS", 50)
    monkeypatch.setattr(plain_rows._Exact, "rows", lambda *_: pytest.fail("DuckDB was asked for rows"))
    texts = [None if i % 7 == 0 else f"{i % 90}-{'x' * (i % 3 * 200)}" for i in range(400)]
    pq.write_table(pa.table({"s": texts}), tmp_path / "t.parquet", row_group_size=150, use_dictionary=dictionary)
    table, sql = Table((str(tmp_path / "t.parquet"),)), "SELECT concat(upper(s), '!') AS x, length(s) AS n FROM t"
    found = answer(sql, {"t": table}, tmp_path / "o")
    assert found[1:] == [repr([text and f"{text.upper()}!", text and len(text)]) for text in texts]


@pytest.mark.parametrize("text", ["[" * 2_000 + "]" * 2_000, "[" * 2_000, '{"a":' * 2_000 + "1" + "}" * 2_000])
def test_json_nested_deeply_is_counted_or_refused_as_without_the_scanner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    tables = {"t": written(tmp_path / "t.parquet", [{"j": "[1,2]"}, {"j": text}])}
    sql = "SELECT json_array_length(j) AS n FROM t"
    found = [answer(sql, tables, tmp_path / "one"), by_duckdb(lambda: answer(sql, tables, tmp_path / "two"))]
    monkeypatch.setenv("AGECLI_FAST", "off")
    assert found == [answer(sql, tables, tmp_path / "three")] * 2
